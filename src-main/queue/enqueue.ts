/** Owns how a revision becomes a job, once per revision, and what a person may do with a job afterwards. Each is one transaction. */
import { v7 as uuidv7 } from 'uuid';
import type { RevisionView, Trigger } from '../contract/views/job.ts';
import type { QueuePosition } from '../database/job-queue.ts';
import type { JobRecord } from '../database/jobs.ts';
import { callQueue, type Db } from '../database/open-database.ts';
import { polledJobId } from '../database/polled-job-id.ts';

/**
 * Queues a revision, and makes it the repository's current one.
 * A revision that a poll has queued before is not queued again: then null. Throws `not_found` for the repository.
 */
export function enqueueRevision(
  db: Db,
  request: {
    readonly repositoryId: string;
    readonly revision: RevisionView;
    readonly trigger: Trigger;
    /** Nothing that an earlier build left is used. */
    readonly withoutCache?: boolean;
    /** Of a manual job: before other repositories' jobs, never before an older one of its own. */
    readonly priority?: boolean;
    readonly seenAtMs: number;
    readonly now: number;
  },
): Promise<JobRecord | null> {
  return callQueue(db, {
    operation: 'enqueue',
    request: {
      ...request,
      priority: request.priority ?? false,
      withoutCache: request.withoutCache ?? false,
      id: request.trigger === 'manual' ? uuidv7() : polledJobId(request.repositoryId, request.revision.revision),
    },
  });
}

/** Cancels a queued job at once, and asks the worker of a running one to end. Throws `not_found`, `conflict`. May be repeated. */
export function cancelJob(db: Db, id: string, now: number): Promise<JobRecord> {
  return callQueue(db, { operation: 'cancel', request: { id, now } });
}

/**
 * Queues a finished job again at its old place; its next run is its next attempt. One that waits to be tried again by itself
 * waits no longer. Throws `not_found`, `conflict`.
 */
export function retryJob(db: Db, id: string, now: number): Promise<JobRecord> {
  return callQueue(db, { operation: 'retry', request: { id, now } });
}

/** Where a waiting job stands in the whole queue; null for one that does not wait. */
export function placeInQueue(db: Db, id: string): Promise<QueuePosition | null> {
  return callQueue(db, { operation: 'position', request: { id } });
}
