/** Owns the table pack_holds: artifacts that a running attempt or a release under way needs, so that nobody reclaims them meanwhile. */
import { DomainError } from '../contract/errors.ts';
import { findBuild } from './builds.ts';
import { type Db, inTransaction } from './open-database.ts';

export interface Held {
  readonly packDigest: string;
  readonly artifactId: string;
}

/** The error for what needs the pack of a build that has none any more. */
export function reclaimedError(build: { readonly id: string; readonly revision: string }): DomainError {
  return new DomainError(
    'artifact.reclaimed',
    `The pack of build ${build.id} was reclaimed to free space. Build revision ${build.revision.slice(0, 12)} again ("slipway job retry", or its job's page), then take the new build.`,
    { buildId: build.id, revision: build.revision },
  );
}

/**
 * Holds an artifact for a running attempt, as long as its job runs it. True where the attempt may go on; false while what was reclaimed of
 * it is being deleted from the main store at this moment: ask again. May be repeated.
 */
export async function holdForAttempt(
  db: Db,
  { jobId, attempt }: { readonly jobId: string; readonly attempt: number },
  held: Held,
  now: number,
): Promise<boolean> {
  const { packDigest, artifactId } = held;
  return inTransaction(db, async transaction => {
    const holder = `${jobId}/${attempt}`;
    await transaction
      .insertInto('packHolds')
      .values({ packDigest, artifactId, holder, jobId, attempt, takenAt: now })
      .onConflict(conflict => conflict.columns(['packDigest', 'holder']).doNothing())
      .execute();
    const removal = await transaction
      .selectFrom('packRemovals')
      .innerJoin('regions', 'regions.id', 'packRemovals.regionId')
      .select('packRemovals.packDigest')
      .where('regions.isMain', '=', 1)
      .where('packRemovals.artifactId', '=', artifactId)
      .where('packRemovals.begunAt', 'is not', null)
      .limit(1)
      .executeTakeFirst();
    return removal === undefined;
  });
}

/** Holds what a release under way names, until `endRelease` or the next start. Throws `artifact.reclaimed`, `not_found`. */
export async function holdForRelease(db: Db, releaseId: string, buildId: string, now: number): Promise<void> {
  await inTransaction(db, async transaction => {
    const build = await findBuild(transaction, buildId);
    if (!build) throw new DomainError('not_found', `Build ${buildId} is gone.`, { buildId });
    if (build.reclaimedAt !== null) throw reclaimedError(build);
    const { packDigest, artifactId } = build;
    await transaction
      .insertInto('packHolds')
      .values({ packDigest, artifactId, holder: releaseId, takenAt: now })
      .execute();
  });
}

export async function endRelease(db: Db, releaseId: string): Promise<void> {
  await db.deleteFrom('packHolds').where('holder', '=', releaseId).where('jobId', 'is', null).execute();
}

/** Forgets releases that an ended engine had under way. Once pointers were adopted, and before any release. */
export async function endAllReleases(db: Db): Promise<void> {
  await db.deleteFrom('packHolds').where('jobId', 'is', null).execute();
}

/** What is held now: of attempts, only of those whose job runs them. */
export async function listLiveHolds(db: Db): Promise<Held[]> {
  return db
    .selectFrom('packHolds')
    .leftJoin('jobs', 'jobs.id', 'packHolds.jobId')
    .select(['packHolds.packDigest', 'packHolds.artifactId'])
    .where(({ eb, or, and, ref }) =>
      or([
        eb('packHolds.jobId', 'is', null),
        and([eb('jobs.status', '=', 'running'), eb('jobs.attempt', '=', ref('packHolds.attempt'))]),
      ]),
    )
    .execute();
}

/** What attempts that have ended held. */
export async function listEndedHolds(db: Db): Promise<(Held & { readonly holder: string })[]> {
  return db
    .selectFrom('packHolds')
    .innerJoin('jobs', 'jobs.id', 'packHolds.jobId')
    .select(['packHolds.packDigest', 'packHolds.artifactId', 'packHolds.holder'])
    .where(({ eb, or, ref }) =>
      or([eb('jobs.status', '<>', 'running'), eb('jobs.attempt', '<>', ref('packHolds.attempt'))]),
    )
    .execute();
}

export async function dropHold(db: Db, { packDigest, holder }: { packDigest: string; holder: string }): Promise<void> {
  await db.deleteFrom('packHolds').where('packDigest', '=', packDigest).where('holder', '=', holder).execute();
}
