/** Owns how a revision becomes a job: one transaction, once per revision, and what a person may do with a job afterwards. */
import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../contract/errors.ts';
import type { RevisionView, Trigger } from '../contract/views.ts';
import { appendEvent } from '../database/events.ts';
import { findJob, findPolledJob, insertJob, type JobRecord, moveJob, requestCancel } from '../database/jobs.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { updateRepository } from '../database/repositories.ts';
import { isFinished } from '../domain/job-states.ts';

/**
 * Queues a revision, and makes it the repository's current one, in one transaction.
 * A revision that a poll has queued before is not queued again: then null.
 */
export async function enqueueRevision(
  db: Db,
  request: {
    readonly repositoryId: string;
    readonly revision: RevisionView;
    readonly trigger: Trigger;
    /** Nothing that an earlier build left is used. */
    readonly withoutCache?: boolean;
    readonly seenAtMs: number;
    readonly now: number;
  },
): Promise<JobRecord | null> {
  const { repositoryId, revision, trigger, now } = request;
  return inTransaction(db, async transaction => {
    await updateRepository(transaction, repositoryId, { currentRevision: revision.revision });
    if (trigger !== 'manual' && (await findPolledJob(transaction, repositoryId, revision.revision))) return null;
    const job = await insertJob(transaction, {
      id: uuidv7(),
      repositoryId,
      revision: revision.revision,
      subject: revision.subject,
      authorName: revision.authorName,
      committedAt: revision.committedAtMs,
      seenAt: request.seenAtMs,
      trigger,
      status: 'queued',
      queuedAt: now,
      attempt: 0,
      lostCount: 0,
      withoutCache: request.withoutCache ? 1 : 0,
    });
    const about = { repositoryId, jobId: job.id, data: { revision: revision.revision, subject: revision.subject } };
    await appendEvent(transaction, { type: 'revision.seen', at: request.seenAtMs, ...about });
    await appendEvent(transaction, { type: 'job.queued', at: now, ...about });
    return job;
  });
}

async function mustFind(db: Db, id: string): Promise<JobRecord> {
  const job = await findJob(db, id);
  if (!job) throw new DomainError('not_found', `There is no job ${id}.`, { id });
  return job;
}

/** Cancels a queued job at once, and asks the worker of a running one to end. Throws `not_found`, `conflict`. May be repeated. */
export async function cancelJob(db: Db, id: string, now: number): Promise<JobRecord> {
  return inTransaction(db, async transaction => {
    const job = await mustFind(transaction, id);
    const error = new DomainError('job.cancelled', 'Cancelled before it ran.').toView();
    if (
      await moveJob(transaction, id, ['queued'], { status: 'cancelled', finishedAt: now, error: JSON.stringify(error) })
    ) {
      await appendEvent(transaction, {
        type: 'job.finished',
        at: now,
        repositoryId: job.repositoryId,
        jobId: id,
        data: { status: 'cancelled' },
      });
    } else if (!(await requestCancel(transaction, id, now)) && job.status !== 'cancelled') {
      throw new DomainError('conflict', `Job ${job.number} has already ${job.status}; there is nothing to cancel.`, {
        id,
      });
    }
    return mustFind(transaction, id);
  });
}

/** Queues a finished job again at its old place; its next run is its next attempt. Throws `not_found`, `conflict`. */
export async function retryJob(db: Db, id: string, now: number): Promise<JobRecord> {
  return inTransaction(db, async transaction => {
    const job = await mustFind(transaction, id);
    const moved = await moveJob(transaction, id, ['failed', 'cancelled', 'interrupted'], {
      status: 'queued',
      queuedAt: now,
      finishedAt: null,
      startedAt: null,
      error: null,
      lostCount: 0,
      cancelRequestedAt: null,
    });
    if (!moved) {
      throw new DomainError(
        'conflict',
        isFinished(job.status)
          ? `Job ${job.number} succeeded. Use "Build now" to build the revision again.`
          : `Job ${job.number} is ${job.status} already.`,
        { id },
      );
    }
    await appendEvent(transaction, {
      type: 'job.queued',
      at: now,
      repositoryId: job.repositoryId,
      jobId: id,
      data: { revision: job.revision, retry: true },
    });
    return mustFind(transaction, id);
  });
}
