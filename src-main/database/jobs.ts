/** Owns the statements of the table jobs beside the queue's own operations. Every write of a running attempt names its fencing token. */
import { sql } from 'kysely';
import type { JobStatus } from '../contract/views/job.ts';
import { type FencingToken, fenced, type JobRecord } from './job-queue.ts';
import type { Db } from './open-database.ts';
import { polledJobId } from './polled-job-id.ts';
import { isNamedByTime } from './queue/job-statements.ts';

export type { FencingToken, JobRecord } from './job-queue.ts';

export async function findJob(db: Db, id: string): Promise<JobRecord | null> {
  return (await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** These jobs, in this order. */
export async function listJobsById(db: Db, jobs: readonly Pick<JobRecord, 'id'>[]): Promise<JobRecord[]> {
  if (jobs.length === 0) return [];
  const ids = jobs.map(job => job.id);
  const found = new Map(
    (await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute()).map(job => [job.id, job]),
  );
  return ids.flatMap(id => found.get(id) ?? []);
}

/** The job that a poll made for a revision, if there is one already. */
export async function findPolledJob(db: Db, repositoryId: string, revision: string): Promise<JobRecord | null> {
  return (
    (await db
      .selectFrom('jobs')
      .selectAll()
      .where(({ eb, and, or }) =>
        or([
          eb('id', '=', polledJobId(repositoryId, revision)),
          and([
            eb('repositoryId', '=', repositoryId),
            eb('revision', '=', revision),
            sql<boolean>`${sql.raw(isNamedByTime)}`,
          ]),
        ]),
      )
      .executeTakeFirst()) ?? null
  );
}

/** Changes the running attempt's row, or throws `job.fenced` when the attempt is no longer the one that runs. */
export async function updateRunningJob(
  db: Db,
  token: FencingToken,
  change: Partial<Pick<JobRecord, 'plan' | 'workerId' | 'isolation'>>,
): Promise<void> {
  const result = await db
    .updateTable('jobs')
    .set(change)
    .where('id', '=', token.jobId)
    .where('attempt', '=', token.attempt)
    .where('workerId', '=', token.workerId)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (result.numUpdatedRows === 0n) throw fenced(token);
}

/** Throws `job.fenced` unless the attempt is the one that runs. Inside a transaction it guards the writes that follow. */
export async function assertRunning(db: Db, token: FencingToken): Promise<void> {
  await updateRunningJob(db, token, { workerId: token.workerId });
}

/** Moves a job from one of `from` to a new state; false when it was in none of them. */
export async function moveJob(
  db: Db,
  id: string,
  from: readonly JobStatus[],
  change: Partial<JobRecord>,
): Promise<boolean> {
  const result = await db
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('status', 'in', [...from])
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Those that the heads of the queue name: looks at no others. */
const selectRunning = (db: Db) =>
  db.selectFrom('jobs').selectAll().where('number', 'in', db.selectFrom('runningJobs').select('number'));

/** The job that a worker runs. */
export async function findJobOfWorker(db: Db, workerId: string): Promise<JobRecord | null> {
  return (await selectRunning(db).where('workerId', '=', workerId).executeTakeFirst()) ?? null;
}

/** Oldest first. */
export async function listRunningJobs(db: Db): Promise<JobRecord[]> {
  return selectRunning(db).orderBy('number').execute();
}

/** Oldest first. */
export async function listQueuedJobs(db: Db, repositoryId?: string): Promise<JobRecord[]> {
  let waiting = db.selectFrom('waitingJobs').select('number');
  if (repositoryId !== undefined) waiting = waiting.where('repositoryId', '=', repositoryId);
  return db.selectFrom('jobs').selectAll().where('number', 'in', waiting).orderBy('number').execute();
}

export interface JobQuery {
  readonly repositoryId?: string | undefined;
  readonly status?: JobStatus | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listJobs(db: Db, query: JobQuery): Promise<JobRecord[]> {
  let select = db.selectFrom('jobs').selectAll().orderBy('number', 'desc').limit(query.limit);
  if (query.repositoryId !== undefined) select = select.where('repositoryId', '=', query.repositoryId);
  if (query.status !== undefined) select = select.where('status', '=', query.status);
  if (query.before !== undefined) select = select.where('number', '<', query.before);
  return select.execute();
}

export async function countJobs(db: Db, query: Omit<JobQuery, 'limit' | 'before'>): Promise<number> {
  let select = db.selectFrom('jobs').select(({ fn }) => fn.countAll<number>().as('count'));
  if (query.repositoryId !== undefined) select = select.where('repositoryId', '=', query.repositoryId);
  if (query.status !== undefined) select = select.where('status', '=', query.status);
  return (await select.executeTakeFirstOrThrow()).count;
}

/** The newest job of each repository that is watched. */
export async function listNewestJobs(db: Db): Promise<JobRecord[]> {
  const newest = db
    .selectFrom('repositories')
    .where('removedAt', 'is', null)
    .select(({ selectFrom }) =>
      selectFrom('jobs')
        .select(({ fn }) => fn.max('number').as('newest'))
        .whereRef('jobs.repositoryId', '=', 'repositories.id')
        .as('newest'),
    );
  return db.selectFrom('jobs').selectAll().where('number', 'in', newest).execute();
}

/** How long the last jobs of a repository that made a build ran, in milliseconds, newest first; found by their builds, however many jobs wait. */
export async function recentDurationsMs(db: Db, repositoryId: string, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('builds')
    .innerJoin('jobs', 'jobs.id', 'builds.jobId')
    .select(['jobs.startedAt', 'jobs.finishedAt'])
    .where('builds.repositoryId', '=', repositoryId)
    .orderBy('builds.createdAt', 'desc')
    .limit(limit)
    .execute();
  return rows.flatMap(row =>
    row.startedAt === null || row.finishedAt === null ? [] : [row.finishedAt - row.startedAt],
  );
}

/** The newest plan of a repository, as JSON; null where none was made. */
export async function lastPlan(db: Db, repositoryId: string): Promise<string | null> {
  const row = await db
    .selectFrom('jobs')
    .select('plan')
    .where('repositoryId', '=', repositoryId)
    .where('plan', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.plan ?? null;
}
