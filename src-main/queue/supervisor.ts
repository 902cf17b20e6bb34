/** Owns what happens to a job whose worker is gone: back to its old place, with the evidence kept. Stands outside the workers. */
import { DomainError } from '../contract/errors.ts';
import type { LossView } from '../contract/views.ts';
import { closeSteps, finishAttempt, listSteps } from '../database/attempts.ts';
import { appendEvent } from '../database/events.ts';
import { findJob, type JobRecord, listJobsByStatus, updateRunningJob } from '../database/jobs.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { updateWorker } from '../database/workers.ts';
import { afterLostWorker } from '../domain/job-states.ts';

/** What is known of a worker's end. It is kept with the attempt that was lost, and with the worker. */
export type LossEvidence = Omit<LossView, 'step'>;

/**
 * Returns the job of a lost worker to the queue, or ends it where running it again would be wrong. Returns what became of it.
 * With `engineEnding` the worker was ended by its own engine, which does not count against the job. May be repeated.
 */
export async function releaseJobOfLostWorker(
  db: Db,
  workerId: string,
  evidence: LossEvidence,
  now: number,
  engineEnding = false,
): Promise<JobRecord | null> {
  return inTransaction(db, async transaction => {
    const running = (await listJobsByStatus(transaction, ['running'])).find(job => job.workerId === workerId);
    await updateWorker(transaction, workerId, { stoppedAt: now, jobId: null, exit: JSON.stringify(evidence) });
    if (!running) return null;
    const steps = await listSteps(transaction, running.id, running.attempt);
    const step = steps.find(candidate => candidate.status === 'running');
    const status = afterLostWorker({
      lostCount: running.lostCount,
      engineEnding,
      cancelRequested: running.cancelRequestedAt !== null,
      runningStepIdempotent: step ? step.idempotent === 1 : null,
    });
    const error = new DomainError('worker.lost', lossMessage(status, evidence, step?.name ?? null), {
      ...evidence,
      step: step?.name ?? null,
    } satisfies LossView);
    const text = JSON.stringify(error.toView());
    await closeSteps(transaction, running.id, running.attempt, now);
    await finishAttempt(transaction, running.id, running.attempt, { finishedAt: now, outcome: 'lost', error: text });
    await updateRunningJob(
      transaction,
      { jobId: running.id, attempt: running.attempt, workerId },
      { status, workerId: null, checkupAt: null, error: text, finishedAt: status === 'queued' ? null : now },
    );
    await transaction
      .updateTable('jobs')
      .set({ lostCount: running.lostCount + (engineEnding ? 0 : 1) })
      .where('id', '=', running.id)
      .execute();
    await appendEvent(transaction, {
      type: status === 'queued' ? 'job.requeued' : 'job.finished',
      at: now,
      repositoryId: running.repositoryId,
      jobId: running.id,
      subjectId: workerId,
      data: { attempt: running.attempt, status, reason: evidence.reason },
    });
    return findJob(transaction, running.id);
  });
}

function lossMessage(status: string, evidence: LossEvidence, step: string | null): string {
  const where = step === null ? '' : ` during "${step}"`;
  const what = `The worker was lost${where}: ${evidence.reason}.`;
  switch (status) {
    case 'queued':
      return `${what} The job is back at its place in the queue.`;
    case 'interrupted':
      return `${what} The step may have changed something outside; look, then retry.`;
    case 'cancelled':
      return `${what} It had been asked to cancel.`;
    default:
      return `${what} It was lost too often to try again by itself; retry when the cause is gone.`;
  }
}
