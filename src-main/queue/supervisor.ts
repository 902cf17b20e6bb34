/** Owns what happens to a job whose worker is gone: back to its old place, with the evidence kept. Stands outside the workers. */
import { DomainError } from '../contract/errors.ts';
import { closeSteps, finishAttempt, listSteps } from '../database/attempts.ts';
import { appendEvent } from '../database/events.ts';
import { findJob, type JobRecord, listJobsByStatus, updateRunningJob } from '../database/jobs.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { listGivenUpHolders, listLiveWorkers, updateWorker } from '../database/workers.ts';
import { checkupDeadlineMs } from '../domain/clock.ts';
import { afterLostWorker } from '../domain/job-states.ts';

export interface LossEvidence {
  readonly reason: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastOutput: string;
}

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
    });
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

/**
 * Workers whose checkup is overdue, and workers in the table that no process of ours stands for (an engine that was killed).
 * A worker that claimed a job when it had been given up already, as one can that stood still, is lost once more.
 * `watchingSince` is when the supervisor itself began or woke: nobody could show before then that he was alive.
 */
export async function findLostWorkers(
  db: Db,
  liveIds: ReadonlySet<string>,
  now: number,
  watchingSince = 0,
): Promise<readonly { readonly id: string; readonly reason: string }[]> {
  const workers = await listLiveWorkers(db);
  const late = await listGivenUpHolders(db);
  const lost = workers.flatMap(({ id, checkupAt }) => {
    if (!liveIds.has(id)) return [{ id, reason: 'its process belongs to an engine that has ended' }];
    // A checkup from a future that a set clock has taken back tells nothing: it counts from the watch's beginning.
    const silentMs = now - Math.max(checkupAt > now ? 0 : checkupAt, watchingSince);
    if (silentMs > checkupDeadlineMs) {
      return [{ id, reason: `no checkup for ${Math.round(silentMs / 1_000)} s` }];
    }
    return [];
  });
  return [...lost, ...late.map(id => ({ id, reason: 'it claimed the job when it had been given up' }))];
}
