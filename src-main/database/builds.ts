/** Owns the statements of the tables packs and builds: the main storage. */
import { type Insertable, type Selectable, sql } from 'kysely';
import type { Db } from './open-database.ts';
import type { BuildsTable, PacksTable } from './tables/builds.ts';

export type PackRecord = Selectable<PacksTable>;
export type BuildRecord = Selectable<BuildsTable>;
/** A build with its pack and the commit that it was made of. */
export interface BuildWithPack extends BuildRecord {
  readonly infoHash: string;
  readonly sizeBytes: number;
  readonly jobNumber: number;
  readonly subject: string;
  readonly authorName: string;
  readonly committedAt: number | null;
}

/**
 * The same tree packs to the same bytes, so a pack that is there already is the same one. One that was reclaimed is kept again: its blobs
 * lie in the main store once more.
 */
export async function insertPack(db: Db, row: Insertable<PacksTable>): Promise<void> {
  const { storedAt } = row;
  await db
    .insertInto('packs')
    .values(row)
    .onConflict(conflict =>
      conflict.column('digest').doUpdateSet({ reclaimedAt: null, storedAt }).where('packs.reclaimedAt', 'is not', null),
    )
    .execute();
  await db.deleteFrom('packRemovals').where('packDigest', '=', row.digest).where('begunAt', 'is', null).execute();
}

export async function insertBuild(db: Db, row: Insertable<BuildsTable>): Promise<void> {
  await db.insertInto('builds').values(row).execute();
}

export async function findPack(db: Db, digest: string): Promise<PackRecord | null> {
  return (await db.selectFrom('packs').selectAll().where('digest', '=', digest).executeTakeFirst()) ?? null;
}

/** What a store may tell of a pack without its being read; empty for one of before they were computed. */
export function packChecksums(pack: PackRecord): { readonly crc32c?: string; readonly md5?: string } {
  const { crc32c, md5 } = pack;
  return { ...(crc32c ? { crc32c } : {}), ...(md5 ? { md5 } : {}) };
}

/** The other way about: the columns of what was computed. */
export function checksumColumns(checksums: ReturnType<typeof packChecksums>): Pick<PackRecord, 'crc32c' | 'md5'> {
  const { crc32c, md5 } = checksums;
  return { crc32c: crc32c ?? null, md5: md5 ?? null };
}

/** Those that are kept, the newest first. */
export async function listPacks(db: Db): Promise<PackRecord[]> {
  return db.selectFrom('packs').selectAll().where('reclaimedAt', 'is', null).orderBy('storedAt', 'desc').execute();
}

/** More are made only of an artifact that is built again and again from the same inputs; a pointer names them all. */
const maximumDeltas = 6;

/** The delta packs that are kept and lead to an artifact, the newest first. */
export async function listDeltaPacks(db: Db, artifactId: string): Promise<PackRecord[]> {
  return db
    .selectFrom('packs')
    .selectAll()
    .where('artifactId', '=', artifactId)
    .where('kind', '=', 'delta')
    .where('reclaimedAt', 'is', null)
    .orderBy('storedAt', 'desc')
    .orderBy('digest')
    .limit(maximumDeltas)
    .execute();
}

function selectBuilds(db: Db) {
  return db
    .selectFrom('builds')
    .innerJoin('packs', 'packs.digest', 'builds.packDigest')
    .innerJoin('jobs', 'jobs.id', 'builds.jobId')
    .selectAll('builds')
    .select(['packs.infoHash', 'packs.sizeBytes', 'jobs.number as jobNumber'])
    .select(['jobs.subject', 'jobs.authorName', 'jobs.committedAt']);
}

/** Newest first. */
export async function listBuilds(
  db: Db,
  query: {
    readonly repositoryId?: string | undefined;
    readonly limit: number;
    /** Only those whose pack is kept. */
    readonly kept?: boolean;
  },
): Promise<BuildWithPack[]> {
  let select = selectBuilds(db).orderBy('builds.createdAt', 'desc').orderBy('builds.id', 'desc').limit(query.limit);
  if (query.repositoryId !== undefined) select = select.where('builds.repositoryId', '=', query.repositoryId);
  if (query.kept === true) select = select.where('builds.reclaimedAt', 'is', null);
  return select.execute();
}

/** The build of the newest revision: jobs are numbered as they come, and one that runs beside an older one may be ready first. */
export async function findNewestBuild(db: Db, repositoryId: string): Promise<BuildWithPack | null> {
  return (
    (await selectBuilds(db)
      .where('jobs.repositoryId', '=', repositoryId)
      .orderBy('jobs.number', 'desc')
      .orderBy('builds.attempt', 'desc')
      .executeTakeFirst()) ?? null
  );
}

export async function findBuild(db: Db, id: string): Promise<BuildWithPack | null> {
  return (await selectBuilds(db).where('builds.id', '=', id).executeTakeFirst()) ?? null;
}

export async function findBuildOfJob(db: Db, jobId: string): Promise<BuildWithPack | null> {
  return (
    (await selectBuilds(db).where('builds.jobId', '=', jobId).orderBy('builds.attempt', 'desc').executeTakeFirst()) ??
    null
  );
}

/** Of each job the build of its newest attempt. */
export async function listBuildsOfJobs(db: Db, jobIds: readonly string[]): Promise<ReadonlyMap<string, BuildWithPack>> {
  if (jobIds.length === 0) return new Map();
  const builds = await selectBuilds(db)
    .where('builds.jobId', 'in', [...jobIds])
    .orderBy('builds.attempt')
    .execute();
  return new Map(builds.map(build => [build.jobId, build]));
}

export async function listBuildsById(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, BuildWithPack>> {
  if (ids.length === 0) return new Map();
  const builds = await selectBuilds(db)
    .where('builds.id', 'in', [...ids])
    .execute();
  return new Map(builds.map(build => [build.id, build]));
}

export async function findBuildOfArtifact(db: Db, artifactId: string): Promise<BuildWithPack | null> {
  return (
    (await selectBuilds(db)
      .where('builds.artifactId', '=', artifactId)
      .orderBy(sql`builds.reclaimed_at IS NULL`, 'desc')
      .orderBy('builds.createdAt', 'desc')
      .executeTakeFirst()) ?? null
  );
}

/** Builds whose pack a region should hold: those that have a record in the main store. */
export async function listBuildsOfPack(db: Db, packDigest: string): Promise<BuildRecord[]> {
  return db
    .selectFrom('builds')
    .selectAll()
    .where('packDigest', '=', packDigest)
    .where('reclaimedAt', 'is', null)
    .execute();
}

/** Keeps the pack of a build from `pinnedAt` on, or leaves it to the rule. */
export async function setBuildPinned(db: Db, id: string, pinnedAt: number | null): Promise<void> {
  await db.updateTable('builds').set({ pinnedAt }).where('id', '=', id).execute();
}
