/** Owns the statements of the tables regions and replicas. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import { longestReplicaWaitMs } from '../domain/replica-retry.ts';
import type { Db } from './open-database.ts';
import type { RegionsTable, ReplicasTable } from './tables/regions.ts';

export type RegionRecord = Selectable<RegionsTable>;
export type ReplicaRecord = Selectable<ReplicasTable>;

export async function insertRegion(db: Db, row: Insertable<RegionsTable>): Promise<void> {
  await db.insertInto('regions').values(row).execute();
}

export async function updateRegion(db: Db, id: string, change: Updateable<RegionsTable>): Promise<void> {
  await db.updateTable('regions').set(change).where('id', '=', id).execute();
}

/** The main store first, then as they were added. */
export async function listRegions(db: Db): Promise<RegionRecord[]> {
  return db
    .selectFrom('regions')
    .selectAll()
    .where('removedAt', 'is', null)
    .orderBy('isMain', 'desc')
    .orderBy('addedAt')
    .orderBy('name')
    .execute();
}

export async function findRegion(db: Db, id: string): Promise<RegionRecord | null> {
  return (
    (await db
      .selectFrom('regions')
      .selectAll()
      .where('id', '=', id)
      .where('removedAt', 'is', null)
      .executeTakeFirst()) ?? null
  );
}

export async function findRegionByStore(db: Db, storeUrl: string): Promise<RegionRecord | null> {
  return (
    (await db
      .selectFrom('regions')
      .selectAll()
      .where('storeUrl', '=', storeUrl)
      .where('removedAt', 'is', null)
      .executeTakeFirst()) ?? null
  );
}

/**
 * What a region still lacks and may try now, newest pack first: people wait for the newest. A next try further off than any wait
 * was planned by a clock that has been set back since: it is due.
 */
export async function listDueReplicas(db: Db, regionId: string, now: number, limit: number): Promise<ReplicaRecord[]> {
  return db
    .selectFrom('replicas')
    .innerJoin('packs', 'packs.digest', 'replicas.packDigest')
    .selectAll('replicas')
    .where('regionId', '=', regionId)
    .where('status', 'in', ['pending', 'stale', 'failed'])
    .where(({ eb, or }) => or([eb('nextAttemptAt', '<=', now), eb('nextAttemptAt', '>', now + longestReplicaWaitMs)]))
    .orderBy('packs.storedAt', 'desc')
    .limit(limit)
    .execute();
}

export async function listReplicas(db: Db, packDigests: readonly string[]): Promise<ReplicaRecord[]> {
  if (packDigests.length === 0) return [];
  return db
    .selectFrom('replicas')
    .innerJoin('regions', 'regions.id', 'replicas.regionId')
    .selectAll('replicas')
    .where('regions.removedAt', 'is', null)
    .where('packDigest', 'in', [...packDigests])
    .execute();
}

/** What a region lacks: how many packs, how many of them after a failed copy, and when the oldest of them was stored. */
export async function regionLag(
  db: Db,
  regionId: string,
): Promise<{ readonly behind: number; readonly failed: number; readonly oldestStoredAt: number | null }> {
  const rows = await db
    .selectFrom('replicas')
    .innerJoin('packs', 'packs.digest', 'replicas.packDigest')
    .select(['replicas.status', 'packs.storedAt'])
    .where('regionId', '=', regionId)
    .where('status', '<>', 'verified')
    .execute();
  return {
    behind: rows.length,
    failed: rows.filter(row => row.status === 'failed').length,
    oldestStoredAt: rows.length === 0 ? null : Math.min(...rows.map(row => row.storedAt)),
  };
}

export async function listReplicasOfRegion(db: Db, regionId: string): Promise<ReplicaRecord[]> {
  return db.selectFrom('replicas').selectAll().where('regionId', '=', regionId).execute();
}

export async function findReplica(db: Db, packDigest: string, regionId: string): Promise<ReplicaRecord | null> {
  return (
    (await db
      .selectFrom('replicas')
      .selectAll()
      .where('packDigest', '=', packDigest)
      .where('regionId', '=', regionId)
      .executeTakeFirst()) ?? null
  );
}

export async function updateReplica(
  db: Db,
  key: Pick<ReplicaRecord, 'packDigest' | 'regionId'>,
  change: Updateable<ReplicasTable>,
): Promise<void> {
  await db
    .updateTable('replicas')
    .set(change)
    .where('packDigest', '=', key.packDigest)
    .where('regionId', '=', key.regionId)
    .execute();
}

/** A copy that an ended engine left unfinished goes back to pending. */
export async function reopenInterruptedReplicas(db: Db): Promise<void> {
  await db
    .updateTable('replicas')
    .set({ status: 'pending', nextAttemptAt: 0 })
    .where('status', '=', 'copying')
    .execute();
}

/** The regions that have something to copy now. One statement, however many regions are at rest. */
export async function listRegionsWithWork(db: Db, now: number): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('replicas')
    .select('regionId')
    .distinct()
    .where('status', '<>', 'verified')
    .where('status', '<>', 'copying')
    .where(({ eb, or }) => or([eb('nextAttemptAt', '<=', now), eb('nextAttemptAt', '>', now + longestReplicaWaitMs)]))
    .execute();
  return new Set(rows.map(row => row.regionId));
}

/** What a region lacks may be tried at once. */
export async function expediteReplicas(db: Db, regionId: string): Promise<void> {
  await db
    .updateTable('replicas')
    .set({ nextAttemptAt: 0 })
    .where('regionId', '=', regionId)
    .where('status', 'in', ['pending', 'stale', 'failed'])
    .execute();
}

/** A pack that was missing or damaged in the main store is whole again: every region may try at once. */
export async function expeditePack(db: Db, packDigest: string): Promise<void> {
  await db
    .updateTable('replicas')
    .set({ nextAttemptAt: 0 })
    .where('packDigest', '=', packDigest)
    .where('status', 'in', ['pending', 'stale', 'failed'])
    .execute();
}

/** What keeps one copy from a region keeps them all: none of them is tried before `until`. */
export async function postponeReplicas(db: Db, regionId: string, until: number): Promise<void> {
  await db
    .updateTable('replicas')
    .set({ nextAttemptAt: until })
    .where('regionId', '=', regionId)
    .where('status', 'in', ['pending', 'stale', 'failed'])
    .where('nextAttemptAt', '<', until)
    .execute();
}

/** Regions with a verified copy of a pack. */
export async function listHolders(db: Db, packDigest: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('replicas')
    .select('regionId')
    .where('packDigest', '=', packDigest)
    .where('status', '=', 'verified')
    .execute();
  return new Set(rows.map(row => row.regionId));
}

/** How many copies of a region have which status, and their bytes. */
export async function countReplicas(
  db: Db,
  regionId: string,
): Promise<readonly { readonly status: ReplicaRecord['status']; readonly count: number; readonly bytes: number }[]> {
  return db
    .selectFrom('replicas')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count'), fn.sum<number>('bytesTotal').as('bytes')])
    .where('regionId', '=', regionId)
    .groupBy('status')
    .execute();
}

export async function listReplicasInFlight(db: Db, regionId: string): Promise<ReplicaRecord[]> {
  return db
    .selectFrom('replicas')
    .selectAll()
    .where('regionId', '=', regionId)
    .where('status', '=', 'copying')
    .execute();
}
