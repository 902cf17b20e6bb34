/** Owns what happens to a job whose worker is gone: back to its old place, with the evidence kept. Stands outside the workers. */
import type { LossEvidence } from '../database/job-queue.ts';
import type { JobRecord } from '../database/jobs.ts';
import { callQueue, type Db } from '../database/open-database.ts';
import { listLiveWorkers } from '../database/workers.ts';
import { checkupDeadlineMs } from '../domain/clock.ts';

/**
 * Returns the job of a lost worker to the queue, or ends it where running it again would be wrong. Returns what became of it.
 * With `engineEnding` the worker was ended by its own engine, which does not count against the job. May be repeated.
 */
export function releaseJobOfLostWorker(
  db: Db,
  workerId: string,
  evidence: LossEvidence,
  now: number,
  engineEnding = false,
): Promise<JobRecord | null> {
  return callQueue(db, { operation: 'release', request: { workerId, evidence, now, engineEnding } });
}

/**
 * Workers whose checkup is overdue, and workers in the table that no process of ours stands for (an engine that was killed).
 * `watchingSince` is when the supervisor itself began or woke: nobody could show before then that he was alive.
 */
export async function findLostWorkers(
  db: Db,
  liveIds: ReadonlySet<string>,
  now: number,
  watchingSince = 0,
): Promise<readonly { readonly id: string; readonly reason: string }[]> {
  const workers = await listLiveWorkers(db);
  return workers.flatMap(({ id, checkupAt }) => {
    if (!liveIds.has(id)) return [{ id, reason: 'its process belongs to an engine that has ended' }];
    const silentMs = now - Math.max(checkupAt, watchingSince);
    if (silentMs > checkupDeadlineMs) {
      return [{ id, reason: `no checkup for ${Math.round(silentMs / 1_000)} s` }];
    }
    return [];
  });
}
