/** Owns what is read of waiting jobs: the first of them in their order, places and counts, each at a cost that does not grow with the queue. */
import { sql } from 'kysely';
import type { JobRecord } from './jobs.ts';
import type { Db } from './open-database.ts';

export type WaitingJob = Pick<JobRecord, 'id' | 'number' | 'repositoryId' | 'revision'> & {
  /** UTC milliseconds; 0 for at once. */
  readonly notBefore: number;
};

/** Further back nobody asks for the very number, and counting on would cost more than it tells. */
const countedPlaces = 10_000;

/** The first `limit` waiting jobs in the order in which they are served. */
export async function listFirstWaiting(db: Db, limit: number): Promise<WaitingJob[]> {
  const rows = await db
    .selectFrom('jobs')
    .select(['id', 'number', 'repositoryId', 'revision'])
    .where('status', '=', sql.lit('queued'))
    .orderBy('number')
    .limit(limit)
    .execute();
  return rows.map(row => ({ ...row, notBefore: 0 }));
}

/** The place of a waiting job in the whole queue, from 1; null where more than 10,000 are before it. */
export async function placeOf(db: Db, job: Pick<JobRecord, 'number'>): Promise<number | null> {
  const before = db
    .selectFrom('jobs')
    .select('number')
    .where('status', '=', sql.lit('queued'))
    .where('number', '<', job.number)
    .limit(countedPlaces);
  const { count } = await db
    .selectFrom(before.as('before'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count < countedPlaces ? count + 1 : null;
}

/** How many jobs of a repository wait, counted to 10,000. */
export async function countWaiting(db: Db, repositoryId: string): Promise<number> {
  const waiting = db
    .selectFrom('jobs')
    .select('number')
    .where('repositoryId', '=', repositoryId)
    .where('status', '=', sql.lit('queued'))
    .limit(countedPlaces);
  const { count } = await db
    .selectFrom(waiting.as('waiting'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** The error of the newest attempt of a repository up to the job with `number`, as JSON; null where it has none. */
export async function lastAttemptError(db: Db, repositoryId: string, number: number): Promise<string | null> {
  const row = await db
    .selectFrom('jobs')
    .innerJoin('attempts', join =>
      join.onRef('attempts.jobId', '=', 'jobs.id').onRef('attempts.attempt', '=', 'jobs.attempt'),
    )
    .select('attempts.error')
    .where('jobs.repositoryId', '=', repositoryId)
    .where('jobs.number', '<=', number)
    .orderBy('jobs.number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.error ?? null;
}
