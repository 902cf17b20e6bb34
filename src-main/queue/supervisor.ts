/** Owns what happens to a job whose worker is gone: back to its old place, with the evidence kept. Stands outside the workers. */
import type { LossEvidence } from '../database/job-queue.ts';
import type { JobRecord } from '../database/jobs.ts';
import { callQueue, type Db } from '../database/open-database.ts';

/**
 * Returns the job of a lost worker to the queue, or ends it where running it again would be wrong. Returns what became of it.
 * The loss is told in the same transaction, once: a worker that was settled and holds no job is left as it is.
 * With `engineEnding` the worker was ended by its own engine, which does not count against the job. May be repeated.
 */
export function releaseJobOfLostWorker(
  db: Db,
  workerId: string,
  evidence: LossEvidence,
  now: number,
  { engineEnding = false, noticedAt = now } = {},
): Promise<JobRecord | null> {
  return callQueue(db, { operation: 'release', request: { workerId, evidence, noticedAt, now, engineEnding } });
}
