/** Owns the statements by which packs are reclaimed: what the rule looks at, the mark, and the deletions that are left to do. */
import { machineReportSchema } from '../contract/documents.ts';
import type { RetentionFacts } from '../domain/retention.ts';
import { appendEvent } from './events.ts';
import { fromJson } from './json-column.ts';
import type { Db } from './open-database.ts';
import { type Held, listLiveHolds } from './pack-holds.ts';
import { listRepositories } from './repositories.ts';

/** SQLite takes 32,766 values in a statement; far below, since each is also text that is made. */
const valuesAtOnce = 500;

export function* inParts<Value>(values: readonly Value[], size = valuesAtOnce): Generator<Value[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}

/** What the rule looks at, as it is now. In a transaction it stays so until that ends. */
export async function readRetentionFacts(db: Db, keptBuilds: number, now: number): Promise<RetentionFacts> {
  const packs = await db
    .selectFrom('packs')
    .select(['digest', 'artifactId', 'kind', 'baseArtifactId', 'storedAt'])
    .where('reclaimedAt', 'is', null)
    .execute();
  const builds = await db
    .selectFrom('builds')
    .innerJoin('jobs', 'jobs.id', 'builds.jobId')
    .select(['builds.id', 'builds.repositoryId', 'builds.attempt', 'builds.packDigest', 'builds.artifactId'])
    .select(['builds.pinnedAt', 'jobs.number as jobNumber'])
    .where('builds.reclaimedAt', 'is', null)
    .execute();
  // Of removed repositories too: agents go on following the pointers that lie in the stores.
  const channels = await db
    .selectFrom('channels')
    .select(['id', 'name', 'repositoryId', 'currentReleaseId'])
    .where('currentReleaseId', 'is not', null)
    .execute();
  const releases = await db
    .selectFrom('releases')
    .select(['id', 'channelId', 'serial', 'kind', 'buildId', 'environmentVersion', 'createdAt'])
    .orderBy('serial', 'desc')
    .execute();
  const copying = await db
    .selectFrom('replicas')
    .innerJoin('regions', 'regions.id', 'replicas.regionId')
    .select('replicas.packDigest')
    .where('replicas.status', '=', 'copying')
    .where('regions.removedAt', 'is', null)
    .execute();
  const repositories = await listRepositories(db);
  return {
    packs,
    builds,
    channels,
    releases,
    machines: await readMachines(db),
    keptBuilds: new Map(repositories.map(({ id, keptBuilds: own }) => [id, own ?? keptBuilds])),
    copying: new Set(copying.map(({ packDigest }) => packDigest)),
    heldArtifacts: new Set((await listLiveHolds(db)).map(({ artifactId }) => artifactId)),
    now,
  };
}

async function readMachines(db: Db): Promise<RetentionFacts['machines']> {
  const rows = await db
    .selectFrom('machines')
    .innerJoin('channels', join =>
      join.onRef('channels.repositoryId', '=', 'machines.repositoryId').onRef('channels.name', '=', 'machines.channel'),
    )
    .select(['machines.name', 'machines.report', 'channels.id as channelId'])
    .where('machines.revokedAt', 'is', null)
    .where('machines.report', 'is not', null)
    .execute();
  return rows.map(({ name, channelId, report: text }) => {
    const report = fromJson(machineReportSchema, text);
    return {
      name,
      channelId,
      artifactId: report?.artifactId ?? null,
      targetSerial: report?.targetSerial ?? report?.serial ?? null,
    };
  });
}

/**
 * Marks packs as reclaimed, with their builds, takes them from the regions' plans and notes every store that must delete them. Only inside
 * the transaction in which the rule let them go. Returns how many of them were kept until now.
 */
export async function markReclaimed(db: Db, digests: readonly string[], now: number): Promise<number> {
  let marked = 0;
  for (const part of inParts(digests)) {
    const builds = await db
      .selectFrom('builds')
      .select(['id', 'repositoryId', 'jobId', 'packDigest'])
      .where('packDigest', 'in', part)
      .where('reclaimedAt', 'is', null)
      .execute();
    const update = await db
      .updateTable('packs')
      .set({ reclaimedAt: now })
      .where('digest', 'in', part)
      .where('reclaimedAt', 'is', null)
      .executeTakeFirst();
    marked += Number(update.numUpdatedRows);
    await db
      .updateTable('builds')
      .set({ reclaimedAt: now })
      .where('packDigest', 'in', part)
      .where('reclaimedAt', 'is', null)
      .execute();
    await noteRemovals(db, part);
    await db.deleteFrom('replicas').where('packDigest', 'in', part).execute();
    await db.deleteFrom('audits').where('packDigest', 'in', part).execute();
    for (const { id, repositoryId, jobId, packDigest } of builds) {
      await appendEvent(db, {
        type: 'build.reclaimed',
        at: now,
        repositoryId,
        jobId,
        subjectId: id,
        data: { packDigest },
      });
    }
  }
  return marked;
}

/** The main store has every pack; a region those that were ever to be copied there. */
async function noteRemovals(db: Db, digests: string[]): Promise<void> {
  await db
    .insertInto('packRemovals')
    .columns(['packDigest', 'regionId', 'artifactId'])
    .expression(eb =>
      eb
        .selectFrom('packs')
        .innerJoin('regions', join => join.onTrue())
        .leftJoin('replicas', join =>
          join.onRef('replicas.packDigest', '=', 'packs.digest').onRef('replicas.regionId', '=', 'regions.id'),
        )
        .select(['packs.digest', 'regions.id', 'packs.artifactId'])
        .where('packs.digest', 'in', digests)
        .where('regions.removedAt', 'is', null)
        .where(({ or, eb: compare }) =>
          or([compare('regions.isMain', '=', 1), compare('replicas.packDigest', 'is not', null)]),
        ),
    )
    .onConflict(conflict => conflict.columns(['packDigest', 'regionId']).doNothing())
    .execute();
}

/** Notes blobs of the main store whose attempt ended before it recorded them. */
export async function noteOrphan(db: Db, { packDigest, artifactId }: Held): Promise<void> {
  const known = await db.selectFrom('packs').select('digest').where('digest', '=', packDigest).executeTakeFirst();
  if (known) return;
  await db
    .insertInto('packRemovals')
    .columns(['packDigest', 'regionId', 'artifactId'])
    .expression(eb =>
      eb
        .selectFrom('regions')
        .select(({ val }) => [val(packDigest).as('packDigest'), 'regions.id', val(artifactId).as('artifactId')])
        .where('regions.isMain', '=', 1)
        .where('regions.removedAt', 'is', null),
    )
    .onConflict(conflict => conflict.columns(['packDigest', 'regionId']).doNothing())
    .execute();
}

export interface Removal extends Held {
  readonly regionId: string;
}

/** What is left to delete, by store. A region that was removed keeps its blobs: nobody asks it any more. */
export async function listRemovals(db: Db): Promise<(Removal & { readonly sizeBytes: number })[]> {
  const rows = await db
    .selectFrom('packRemovals')
    .innerJoin('regions', 'regions.id', 'packRemovals.regionId')
    .leftJoin('packs', 'packs.digest', 'packRemovals.packDigest')
    .select(['packRemovals.packDigest', 'packRemovals.artifactId', 'packRemovals.regionId', 'packs.sizeBytes'])
    .where('regions.removedAt', 'is', null)
    .orderBy('packRemovals.regionId')
    .orderBy('packRemovals.packDigest')
    .execute();
  return rows.map(({ sizeBytes, ...removal }) => ({ ...removal, sizeBytes: sizeBytes ?? 0 }));
}

/** What to delete of one pack. */
export interface BegunRemoval {
  readonly kind: 'begun';
  /** No pack that is kept has the same files. */
  readonly withFileList: boolean;
  readonly builds: readonly { readonly id: string; readonly repositoryId: string }[];
}

/**
 * Begins to delete a pack from a store, in one transaction that looks once more: `kept` again, as after a rebuild (its row is gone then), or
 * `held` by somebody now.
 */
export async function beginRemoval(
  db: Db,
  { packDigest, artifactId, regionId }: Removal,
  now: number,
): Promise<BegunRemoval | { readonly kind: 'kept' | 'held' }> {
  const ofRow = db.selectFrom('packs').where('artifactId', '=', artifactId).where('reclaimedAt', 'is', null);
  const live = await ofRow.select('digest').execute();
  if (live.some(pack => pack.digest === packDigest)) {
    await endRemoval(db, { packDigest, artifactId, regionId });
    return { kind: 'kept' };
  }
  if ((await listLiveHolds(db)).some(hold => hold.artifactId === artifactId)) return { kind: 'held' };
  await db
    .updateTable('packRemovals')
    .set({ begunAt: now })
    .where('packDigest', '=', packDigest)
    .where('regionId', '=', regionId)
    .execute();
  const builds = await db
    .selectFrom('builds')
    .select(['id', 'repositoryId'])
    .where('packDigest', '=', packDigest)
    .execute();
  return { kind: 'begun', withFileList: live.length === 0, builds };
}

export async function endRemoval(db: Db, { packDigest, regionId }: Removal): Promise<void> {
  await db.deleteFrom('packRemovals').where('packDigest', '=', packDigest).where('regionId', '=', regionId).execute();
}

/** A deletion that failed, or all that an ended engine had begun, is to be begun again. */
export async function reopenRemovals(db: Db, removal?: Removal): Promise<void> {
  let update = db.updateTable('packRemovals').set({ begunAt: null });
  if (removal !== undefined)
    update = update.where('packDigest', '=', removal.packDigest).where('regionId', '=', removal.regionId);
  await update.execute();
}
