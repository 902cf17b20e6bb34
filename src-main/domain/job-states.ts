/** Owns the states of a job and who may move a job from one to another. No I/O. */
import type { JobStatus } from '../contract/views/job.ts';

/**
 * Who moves a job out of each state:
 * queued: a worker (claim), a person (cancel), the poller (revision left the branch, or was superseded).
 * running: its worker (succeeded, failed, cancelled; queued where its failure may pass by itself); the supervisor, when the worker
 * is lost or its engine ends (queued, or what `afterLostWorker` says). Within a deadline, so nobody has to look after a job that runs.
 * failed, cancelled, interrupted: a person (retry). succeeded: a person too, once the pack that it made was reclaimed.
 */
const next: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ['running', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled', 'interrupted', 'queued'],
  succeeded: ['queued'],
  failed: ['queued'],
  cancelled: ['queued'],
  interrupted: ['queued'],
};

export function canMove(from: JobStatus, to: JobStatus): boolean {
  return next[from].includes(to);
}

export function isFinished(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

/** A job whose worker was lost this often fails: the fourth run would most likely end the same way. */
export const maxLostAttempts = 3;

/**
 * What becomes of a running job whose worker was lost. `ranOnceOnlyStep`: a step that must not run twice had begun, so no attempt may
 * run it again without a person's word, also where it had ended well and a later step was lost. A worker that ended with its engine was not lost by the job's doing, so that never fails the job.
 */
export function afterLostWorker(job: {
  readonly lostCount: number;
  readonly engineEnding: boolean;
  readonly cancelRequested: boolean;
  readonly ranOnceOnlyStep: boolean;
}): 'queued' | 'failed' | 'cancelled' | 'interrupted' {
  if (job.cancelRequested) return 'cancelled';
  if (job.ranOnceOnlyStep) return 'interrupted';
  if (job.engineEnding) return 'queued';
  return job.lostCount + 1 >= maxLostAttempts ? 'failed' : 'queued';
}
