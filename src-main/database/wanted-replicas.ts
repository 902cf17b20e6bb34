/** Owns which pack should lie in which region, by the policies of the repositories, and the rows that follow from it. */
import { sql } from 'kysely';
import { z } from 'zod';
import type { ReplicationPolicyView } from '../contract/replication-api.ts';
import { fromJson } from './json-column.ts';
import type { Db } from './open-database.ts';

const idsSchema = z.array(z.string());

/**
 * `wanted (pack_digest, region_id, size_bytes)`. Whatever a channel runs, or ran before, and whatever a machine has, counts however old
 * it is. A pack that no build names is on its way to one: every region takes it.
 */
const wanted = sql`
  used (artifact_id) AS (
    SELECT builds.artifact_id FROM channels
      JOIN releases ON releases.id = channels.current_release_id
      JOIN releases AS held ON held.id IN (releases.id, releases.previous_id)
      JOIN builds ON builds.id = held.build_id
    UNION SELECT json_extract(report, '$.artifactId') FROM machines WHERE revoked_at IS NULL AND report IS NOT NULL
  ),
  versions (repository_id, artifact_id, place) AS (
    SELECT repository_id, artifact_id,
      row_number() OVER (PARTITION BY repository_id ORDER BY max(created_at) DESC, artifact_id)
    FROM builds GROUP BY repository_id, artifact_id
  ),
  kept (artifact_id, regions) AS MATERIALIZED (
    SELECT DISTINCT versions.artifact_id, policy.regions FROM versions
      LEFT JOIN replication_policies AS policy ON policy.repository_id = versions.repository_id
      WHERE policy.versions IS NULL OR place <= policy.versions
        OR versions.artifact_id IN (SELECT artifact_id FROM used WHERE artifact_id IS NOT NULL)
  ),
  wanted (pack_digest, region_id, size_bytes) AS (
    SELECT packs.digest, regions.id, packs.size_bytes FROM packs
      JOIN regions ON regions.is_main = 0 AND regions.removed_at IS NULL
      WHERE packs.reclaimed_at IS NULL AND (EXISTS (
        SELECT 1 FROM kept WHERE kept.artifact_id = packs.artifact_id
          AND (kept.regions IS NULL OR regions.id IN (SELECT value FROM json_each(kept.regions)))
      ) OR NOT EXISTS (SELECT 1 FROM builds WHERE builds.artifact_id = packs.artifact_id))
  )`;

/**
 * Adds the replica rows that should be there and are not; returns how many. A region waits until what was reclaimed there of the same
 * artifact is deleted.
 */
export async function insertMissingReplicas(db: Db): Promise<number> {
  const result = await sql`
    WITH ${wanted}
    INSERT INTO replicas (pack_digest, region_id, status, bytes_total)
    SELECT pack_digest, region_id, 'pending', size_bytes FROM wanted
      WHERE NOT EXISTS (
        SELECT 1 FROM replicas AS known WHERE known.pack_digest = wanted.pack_digest AND known.region_id = wanted.region_id
      )
      AND NOT EXISTS (
        SELECT 1 FROM pack_removals AS removal JOIN packs ON packs.artifact_id = removal.artifact_id
          WHERE removal.region_id = wanted.region_id AND packs.digest = wanted.pack_digest
      )
  `.execute(db);
  return Number(result.numAffectedRows ?? 0n);
}

export interface UnwantedReplica {
  readonly packDigest: string;
  readonly regionId: string;
}

/**
 * Marks the copies that no policy wants any more as stale, so that no release counts on them from then on, and returns them.
 * One that is under way is left until it has ended; what was never begun is forgotten.
 */
export async function withdrawUnwantedReplicas(db: Db): Promise<UnwantedReplica[]> {
  const policies = await db.selectFrom('replicationPolicies').select('repositoryId').limit(1).execute();
  if (policies.length === 0) return [];
  const { rows } = await sql<UnwantedReplica & { readonly startedAt: number | null }>`
    WITH ${wanted}
    UPDATE replicas SET status = 'stale', next_attempt_at = 0
      WHERE status <> 'copying'
        AND region_id IN (SELECT id FROM regions WHERE removed_at IS NULL)
        AND (pack_digest, region_id) NOT IN (SELECT pack_digest, region_id FROM wanted)
      RETURNING pack_digest, region_id, started_at
  `.execute(db);
  for (const row of rows.filter(candidate => candidate.startedAt === null)) await removeReplica(db, row);
  return rows.filter(row => row.startedAt !== null);
}

/** Forgets a copy, with what audits saw of it. */
export async function removeReplica(db: Db, { packDigest, regionId }: UnwantedReplica): Promise<void> {
  await db.deleteFrom('audits').where('packDigest', '=', packDigest).where('regionId', '=', regionId).execute();
  await db.deleteFrom('replicas').where('packDigest', '=', packDigest).where('regionId', '=', regionId).execute();
}

export async function readPolicy(db: Db, repositoryId: string): Promise<ReplicationPolicyView> {
  const row = await db
    .selectFrom('replicationPolicies')
    .selectAll()
    .where('repositoryId', '=', repositoryId)
    .executeTakeFirst();
  return { regionIds: fromJson(idsSchema, row?.regions ?? null), versions: row?.versions ?? null };
}

/** By repository; of those without one, all regions hold all versions. */
export async function listPolicies(db: Db): Promise<ReadonlyMap<string, ReplicationPolicyView>> {
  const rows = await db.selectFrom('replicationPolicies').selectAll().execute();
  return new Map(
    rows.map(({ repositoryId, regions, versions }) => [
      repositoryId,
      { regionIds: fromJson(idsSchema, regions), versions },
    ]),
  );
}

/** Every region and every version is what holds without a row. */
export async function writePolicy(db: Db, repositoryId: string, policy: ReplicationPolicyView): Promise<void> {
  const regions = policy.regionIds === null ? null : JSON.stringify(policy.regionIds);
  const { versions } = policy;
  await db
    .insertInto('replicationPolicies')
    .values({ repositoryId, regions, versions })
    .onConflict(conflict => conflict.column('repositoryId').doUpdateSet({ regions, versions }))
    .execute();
}
