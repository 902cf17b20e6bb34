/** Owns the statements of the table jobs: the queue itself. Every write of a running attempt names its fencing token. */
import { type Insertable, type Selectable, sql } from 'kysely';
import { DomainError } from '../contract/errors.ts';
import type { JobStatus } from '../contract/views.ts';
import type { Db } from './open-database.ts';
import type { JobsTable } from './schema.ts';

export type JobRecord = Selectable<JobsTable>;

/** Names one attempt of one job; a write under a stale token is refused. */
export interface FencingToken {
  readonly jobId: string;
  readonly attempt: number;
  readonly workerId: string;
}

export async function insertJob(db: Db, row: Insertable<JobsTable>): Promise<JobRecord> {
  return db.insertInto('jobs').values(row).returningAll().executeTakeFirstOrThrow();
}

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
      .where('repositoryId', '=', repositoryId)
      .where('revision', '=', revision)
      .where('trigger', 'in', ['poll', 'added'])
      .executeTakeFirst()) ?? null
  );
}

/**
 * Claims the oldest queued job whose repository has no running one, in one statement.
 * Both subqueries read partial indexes, so finished rows cost nothing.
 */
export async function claimJob(db: Db, workerId: string, now: number): Promise<JobRecord | null> {
  const claimed = await db
    .updateTable('jobs')
    .set(({ eb }) => ({
      status: 'running' as const,
      attempt: eb('attempt', '+', 1),
      workerId,
      startedAt: now,
      checkupAt: now,
      error: null,
      cancelRequestedAt: null,
    }))
    .where('number', '=', outer =>
      outer
        .selectFrom('jobs as waiting')
        .select('waiting.number')
        .where('waiting.status', '=', sql.lit('queued'))
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('jobs as busy')
                .select('busy.number')
                .whereRef('busy.repositoryId', '=', 'waiting.repositoryId')
                .where('busy.status', '=', sql.lit('running')),
            ),
          ),
        )
        .orderBy('waiting.number')
        .limit(1),
    )
    .returningAll()
    .executeTakeFirst();
  return claimed ?? null;
}

/** Changes the running attempt's row, or throws `job.fenced` when the attempt is no longer the one that runs. */
export async function updateRunningJob(
  db: Db,
  token: FencingToken,
  change: Partial<Pick<JobRecord, 'status' | 'checkupAt' | 'finishedAt' | 'error' | 'plan' | 'workerId'>>,
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

function fenced(token: FencingToken): DomainError {
  return new DomainError(
    'job.fenced',
    `Attempt ${token.attempt} of job ${token.jobId} is no longer the one that runs; nothing of it was written.`,
    { ...token },
  );
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

/** Asks the running attempt to end; false when the job is not running. */
export async function requestCancel(db: Db, id: string, now: number): Promise<boolean> {
  return moveJob(db, id, ['running'], { cancelRequestedAt: now });
}

export async function listJobsByStatus(db: Db, statuses: readonly JobStatus[]): Promise<JobRecord[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('status', 'in', [...statuses])
    .orderBy('number')
    .execute();
}

export async function listQueuedJobs(db: Db, repositoryId?: string): Promise<JobRecord[]> {
  let select = db.selectFrom('jobs').selectAll().where('status', '=', sql.lit('queued')).orderBy('number');
  if (repositoryId !== undefined) select = select.where('repositoryId', '=', repositoryId);
  return select.execute();
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
