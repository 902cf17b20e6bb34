/** Owns what is done with jobs that do not run: queued, superseded, cancelled, tried again, counted. Each function runs inside a transaction. */
import type BetterSqlite3 from 'better-sqlite3';
import { DomainError } from '../../contract/errors.ts';
import { isFinished } from '../../domain/job-states.ts';
import { countedPlaces, type JobRecord, type QueuePosition, type QueueRequests } from '../job-queue.ts';
import type { JobStatements, NewJob } from './job-statements.ts';

function newJob(request: QueueRequests['enqueue']): NewJob {
  const { id, trigger, seenAtMs, now } = request;
  const { revision, subject, authorName, committedAtMs } = request.revision;
  const priority = request.priority && trigger === 'manual' ? 1 : 0;
  return [
    id,
    revision,
    subject,
    authorName,
    committedAtMs,
    seenAtMs,
    trigger,
    now,
    priority,
    request.withoutCache ? 1 : 0,
  ];
}

/** Told without reading it back: a row of so many columns costs as much as writing it. */
function asInserted(row: NewJob, repositoryId: string, { lastInsertRowid }: BetterSqlite3.RunResult): JobRecord {
  const [id, revision, subject, authorName, committedAt, seenAt, trigger, queuedAt, priority, withoutCache] = row;
  return {
    number: Number(lastInsertRowid),
    id,
    repositoryId,
    revision,
    subject,
    authorName,
    committedAt,
    seenAt,
    trigger,
    queuedAt,
    priority,
    withoutCache,
    status: 'queued',
    attempt: 0,
    lostCount: 0,
    automaticRetries: 0,
    notBefore: 0,
    workerId: null,
    startedAt: null,
    finishedAt: null,
    checkupAt: null,
    cancelRequestedAt: null,
    error: null,
    plan: null,
    isolation: null,
  };
}

/**
 * Queues a polled revision by one statement, which is a transaction where none is open. Null where it takes more than that, or nothing:
 * `enqueue` knows.
 */
export function enqueuePolled(statements: JobStatements, request: QueueRequests['enqueue']): JobRecord | null {
  const { trigger, repositoryId, revision } = request;
  if (trigger === 'manual') return null;
  const row = newJob(request);
  const inserted = statements.insertPolled().run(...row, repositoryId, revision.revision);
  return inserted.changes === 1 ? asInserted(row, repositoryId, inserted) : null;
}

export function enqueue(statements: JobStatements, request: QueueRequests['enqueue']): JobRecord | null {
  const { id, repositoryId, revision, trigger, now } = request;
  const repository = statements.findRepository().get(repositoryId);
  if (!repository) throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  if (trigger !== 'manual' && statements.findPolled().get(id, repositoryId, revision.revision)) {
    statements.setSeenRevision().run(revision.revision, repositoryId);
    return null;
  }
  if (trigger === 'manual') statements.wakeHead().run({ repositoryId, now });
  if (repository.seenRevision !== null) statements.setSeenRevision().run(null, repositoryId);
  const row = newJob(request);
  const job = asInserted(row, repositoryId, statements.insert().run(...row, repositoryId));
  if (trigger !== 'manual' && repository.supersede === 1) supersede(statements, job, now);
  return job;
}

/** Cancels the polled jobs of the repository that wait before `newer`. */
function supersede(statements: JobStatements, newer: JobRecord, now: number): void {
  const error = new DomainError('job.cancelled', `superseded by ${newer.revision.slice(0, 7)} (job #${newer.number})`, {
    supersededBy: newer.id,
  });
  const cancelled = statements.supersede().all({
    repositoryId: newer.repositoryId,
    number: newer.number,
    now,
    error: JSON.stringify(error.toView()),
  });
  for (const { id } of cancelled) {
    statements.appendEvent({
      type: 'job.finished',
      at: now,
      repositoryId: newer.repositoryId,
      jobId: id,
      data: { status: 'cancelled', error: error.code, supersededBy: newer.id },
    });
  }
}

export function mustFind(statements: JobStatements, id: string): JobRecord {
  const job = statements.find().get(id);
  if (!job) throw new DomainError('not_found', `There is no job ${id}.`, { id });
  return job;
}

export function cancel(statements: JobStatements, { id, now }: QueueRequests['cancel']): JobRecord {
  const job = mustFind(statements, id);
  const message = job.attempt === 0 ? 'Cancelled before it ran.' : 'Cancelled before it ran again.';
  const error = JSON.stringify(new DomainError('job.cancelled', message).toView());
  if (statements.cancelWaiting().run({ id, now, error }).changes > 0) {
    const data = { status: 'cancelled' };
    statements.appendEvent({ type: 'job.finished', at: now, repositoryId: job.repositoryId, jobId: id, data });
  } else if (statements.askToCancel().run({ id, now }).changes === 0 && job.status !== 'cancelled') {
    throw new DomainError('conflict', `Job ${job.number} has already ${job.status}; there is nothing to cancel.`, {
      id,
    });
  }
  return mustFind(statements, id);
}

/** A finished job goes back to its old place; one that waits for its time need not wait any longer. */
export function retry(statements: JobStatements, { id, now }: QueueRequests['retry']): JobRecord {
  const job = mustFind(statements, id);
  statements.keepEnded().run({ id });
  if (statements.retry().run({ id, now }).changes + statements.retryNow().run({ id, now }).changes === 0) {
    throw new DomainError(
      'conflict',
      isFinished(job.status)
        ? `Job ${job.number} succeeded. Use "Build now" to build the revision again.`
        : `Job ${job.number} is ${job.status} already.`,
      { id },
    );
  }
  const data = { revision: job.revision, retry: true };
  statements.appendEvent({ type: 'job.queued', at: now, repositoryId: job.repositoryId, jobId: id, data });
  return mustFind(statements, id);
}

export function position(statements: JobStatements, { id }: QueueRequests['position']): QueuePosition | null {
  const job = statements.find().get(id);
  if (job?.status !== 'queued') return null;
  const limit = countedPlaces;
  const liftedTo = statements.liftedTo().get(job.repositoryId)?.liftedTo ?? null;
  const lifted = (from: number, before: number) => statements.countLifted().get({ from, before, limit })?.count ?? 0;
  const before =
    liftedTo !== null && job.number <= liftedTo
      ? lifted(0, job.number)
      : lifted(job.number + 1, Number.MAX_SAFE_INTEGER) +
        (statements.countBefore().get({ number: job.number, limit })?.count ?? 0);
  return { place: Math.min(before, limit) + 1, isExact: before < limit };
}
