/** Owns the statements of the tables regions and replicas. */
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import { longestBackoffMs, replicaBackoff } from '../domain/backoff.ts';
import type { Db } from './open-database.ts';
import type { RegionsTable, ReplicasTable } from './schema.ts';

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
 * Adds the replica rows that should be there and are not: every pack that is kept × every region but the main one. A region waits until
 * what was reclaimed there of the same artifact is deleted.
 */
export async function insertMissingReplicas(db: Db): Promise<number> {
  const result = await db
    .insertInto('replicas')
    .columns(['packDigest', 'regionId', 'status', 'bytesDone', 'bytesTotal', 'attempts', 'nextAttemptAt'])
    .expression(eb =>
      eb
        .selectFrom('packs')
        .innerJoin('regions', join => join.onTrue())
        .leftJoin('replicas as existing', join =>
          join.onRef('existing.packDigest', '=', 'packs.digest').onRef('existing.regionId', '=', 'regions.id'),
        )
        .where('regions.removedAt', 'is', null)
        .where('regions.isMain', '=', 0)
        .where('existing.packDigest', 'is', null)
        .where('packs.reclaimedAt', 'is', null)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('packRemovals')
                .select('packRemovals.packDigest')
                .whereRef('packRemovals.regionId', '=', 'regions.id')
                .whereRef('packRemovals.artifactId', '=', 'packs.artifactId'),
            ),
          ),
        )
        .select([
          'packs.digest',
          'regions.id',
          sql.lit('pending').as('status'),
          sql.lit(0).as('bytesDone'),
          'packs.sizeBytes',
          sql.lit(0).as('attempts'),
          sql.lit(0).as('nextAttemptAt'),
        ]),
    )
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0n);
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
    .where(({ eb, or }) =>
      or([eb('nextAttemptAt', '<=', now), eb('nextAttemptAt', '>', now + longestBackoffMs(replicaBackoff))]),
    )
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

/** Failed copies of a region may be tried at once. */
export async function expediteReplicas(db: Db, regionId: string): Promise<void> {
  await db
    .updateTable('replicas')
    .set({ nextAttemptAt: 0 })
    .where('regionId', '=', regionId)
    .where('status', '<>', 'verified')
    .execute();
}
