/** Owns the statements that measurements are made of: ended jobs, their builds, bytes by day. */
import { sql } from 'kysely';
import type { Db } from './open-database.ts';

export interface EndedJob {
  readonly status: 'succeeded' | 'failed';
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number;
}

/** Jobs that succeeded or failed since `since` (UTC milliseconds), newest first, at most `limit`. What was cancelled says nothing of either. */
export async function listEndedJobs(
  db: Db,
  query: { readonly repositoryId?: string | undefined; readonly since: number; readonly limit: number },
): Promise<EndedJob[]> {
  let select = db
    .selectFrom('jobs')
    .select(['status', 'queuedAt', 'startedAt', 'finishedAt'])
    .where('status', 'in', ['succeeded', 'failed'])
    .where('finishedAt', '>=', query.since)
    .orderBy('number', 'desc')
    .limit(query.limit);
  if (query.repositoryId !== undefined) select = select.where('repositoryId', '=', query.repositoryId);
  return (await select.execute()).flatMap(({ status, finishedAt, ...job }) =>
    finishedAt === null ? [] : [{ ...job, finishedAt, status: status === 'succeeded' ? status : 'failed' }],
  );
}

export interface BuildMeasurements {
  readonly builds: number;
  readonly firstAt: number;
  readonly meanBuildMs: number;
  readonly meanWaitMs: number;
  readonly meanSizeBytes: number;
}

/** Of the builds since `since` (UTC milliseconds): means, and when the first was made; null without any. */
export async function measureBuilds(db: Db, since: number): Promise<BuildMeasurements | null> {
  const row = await db
    .selectFrom('builds')
    .innerJoin('jobs', 'jobs.id', 'builds.jobId')
    .select(({ fn }) => [
      fn.countAll<number>().as('builds'),
      fn.min<number | null>('builds.createdAt').as('firstAt'),
      fn.avg<number | null>('builds.treeSizeBytes').as('meanSizeBytes'),
      sql<number | null>`avg(builds.created_at - jobs.started_at)`.as('meanBuildMs'),
      sql<number | null>`avg(max(0, jobs.started_at - jobs.queued_at))`.as('meanWaitMs'),
    ])
    .where('builds.createdAt', '>=', since)
    .where('jobs.startedAt', 'is not', null)
    .executeTakeFirst();
  if (!row || row.firstAt === null || row.meanBuildMs === null) return null;
  return {
    builds: row.builds,
    firstAt: row.firstAt,
    meanBuildMs: row.meanBuildMs,
    meanWaitMs: row.meanWaitMs ?? 0,
    meanSizeBytes: row.meanSizeBytes ?? 0,
  };
}

/** Bytes between this machine and all stores, by day since 1970 (UTC), from `fromDay` on. */
export async function listTrafficDays(db: Db, fromDay: number) {
  return db
    .selectFrom('traffic')
    .select(({ fn }) => [
      'day',
      fn.sum<number>('bytesSent').as('bytesSent'),
      fn.sum<number>('bytesRead').as('bytesRead'),
    ])
    .where('day', '>=', fromDay)
    .groupBy('day')
    .execute();
}

/** The cursor of a job's first event; 0 for a job that has none. */
export async function firstCursorOf(db: Db, jobId: string): Promise<number> {
  const row = await db.selectFrom('jobs').select('eventCursors').where('id', '=', jobId).executeTakeFirst();
  // `,12,15`
  return Number(/\d+/.exec(row?.eventCursors ?? '')?.[0] ?? 0);
}

/** When machines of a repository began to run a release, since the event at `cursor`, oldest first. */
export async function listSwitches(
  db: Db,
  repositoryId: string,
  cursor: number,
): Promise<{ at: number; data: string }[]> {
  return db
    .selectFrom('events')
    .select(['at', 'data'])
    .where('cursor', '>=', cursor)
    .where('type', '=', 'machine.switched')
    .where('repositoryId', '=', repositoryId)
    .orderBy('cursor')
    .execute();
}

/** When packing of these jobs' newest attempts began, by job. */
export async function packStarts(db: Db, jobIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (jobIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('steps')
    .innerJoin('jobs', join => join.onRef('jobs.id', '=', 'steps.jobId').onRef('jobs.attempt', '=', 'steps.attempt'))
    .select(['steps.jobId', 'steps.startedAt'])
    .where('steps.jobId', 'in', [...jobIds])
    .where('steps.phase', '=', 'pack')
    .execute();
  return new Map(rows.flatMap(({ jobId, startedAt }) => (startedAt === null ? [] : [[jobId, startedAt]])));
}

/** The releases of these builds, oldest first, each with its channel's name. */
export async function listReleasesOfBuilds(db: Db, buildIds: readonly string[]) {
  if (buildIds.length === 0) return [];
  return db
    .selectFrom('releases')
    .innerJoin('channels', 'channels.id', 'releases.channelId')
    .select(['releases.buildId', 'releases.serial', 'releases.createdAt', 'channels.name as channel'])
    .where('releases.buildId', 'in', [...buildIds])
    .orderBy('releases.createdAt')
    .execute();
}
