/** Owns the statements of the table audits: what was last seen of each pack in each store. */
import { type Selectable, sql } from 'kysely';
import type { Db } from './open-database.ts';
import type { AuditsTable } from './tables/regions.ts';

export type AuditRecord = Selectable<AuditsTable>;

/**
 * Adds the rows that should be there: every pack in the main store, every verified copy, not looked at yet. A look ahead of `now` was
 * written by a clock that has been set back: it counts as none.
 */
export async function insertMissingAudits(db: Db, now: number): Promise<void> {
  await db.updateTable('audits').set({ lookedAt: 0 }).where('lookedAt', '>', now).execute();
  await sql`
    INSERT INTO audits (region_id, pack_digest, looked_at)
    SELECT regions.id, packs.digest, 0 FROM packs JOIN regions ON regions.is_main = 1 AND regions.removed_at IS NULL
      WHERE packs.reclaimed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM audits WHERE region_id = regions.id AND pack_digest = packs.digest)
    UNION ALL
    SELECT replicas.region_id, replicas.pack_digest, 0 FROM replicas
      WHERE status = 'verified'
        AND NOT EXISTS (SELECT 1 FROM audits WHERE region_id = replicas.region_id AND pack_digest = replicas.pack_digest)
  `.execute(db);
}

/** What was not looked at since `before`, the longest ago first. */
export async function listDueAudits(
  db: Db,
  query: { readonly regionId: string; readonly before: number; readonly limit: number },
): Promise<AuditRecord[]> {
  return db
    .selectFrom('audits')
    .selectAll()
    .where('regionId', '=', query.regionId)
    .where('lookedAt', '<=', query.before)
    .orderBy('lookedAt')
    .limit(query.limit)
    .execute();
}

export async function countAudits(db: Db, regionId: string): Promise<number> {
  const row = await db
    .selectFrom('audits')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('regionId', '=', regionId)
    .executeTakeFirstOrThrow();
  return row.count;
}

export async function findAudit(db: Db, regionId: string, packDigest: string): Promise<AuditRecord | null> {
  return (
    (await db
      .selectFrom('audits')
      .selectAll()
      .where('regionId', '=', regionId)
      .where('packDigest', '=', packDigest)
      .executeTakeFirst()) ?? null
  );
}

export async function writeAudit(db: Db, row: AuditRecord): Promise<void> {
  const { packVersion, documentsVersion, lookedAt, provenAt } = row;
  await db
    .insertInto('audits')
    .values(row)
    .onConflict(conflict =>
      conflict.columns(['regionId', 'packDigest']).doUpdateSet({ packVersion, documentsVersion, lookedAt, provenAt }),
    )
    .execute();
}

/** They were looked at and were as before. */
export async function touchAudits(
  db: Db,
  regionId: string,
  packDigests: readonly string[],
  lookedAt: number,
): Promise<void> {
  if (packDigests.length === 0) return;
  await db
    .updateTable('audits')
    .set({ lookedAt })
    .where('regionId', '=', regionId)
    .where('packDigest', 'in', [...packDigests])
    .execute();
}

/** When the last of a store's packs was looked at, and when the one whose proof is oldest was proven; null where one never was. */
export async function auditState(
  db: Db,
  regionId: string,
): Promise<{ readonly lookedAt: number | null; readonly oldestProofAt: number | null }> {
  const row = await db
    .selectFrom('audits')
    .select(({ fn }) => [fn.max('lookedAt').as('lookedAt'), fn.min('provenAt').as('oldestProofAt')])
    .where('regionId', '=', regionId)
    .executeTakeFirst();
  return { lookedAt: row?.lookedAt || null, oldestProofAt: row?.oldestProofAt ?? null };
}
