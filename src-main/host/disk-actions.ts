/** Owns what a person does about the disk: look, reclaim, choose how much is kept, and pin a build. */

import type { DiskUse, ReclaimResult } from '../contract/disk.ts';
import { DomainError } from '../contract/errors.ts';
import { findBuild, findBuildOfJob, setBuildPinned } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import { inTransaction } from '../database/open-database.ts';
import { reclaimedError } from '../database/pack-holds.ts';
import { findRepository, updateRepository } from '../database/repositories.ts';
import type { Engine } from '../engine.ts';

export function diskUse(engine: Engine): Promise<DiskUse> {
  return engine.diskUse.read();
}

export async function reclaimDisk(engine: Engine, packs: readonly string[] | undefined): Promise<ReclaimResult> {
  try {
    return await engine.retention.reclaim(packs);
  } finally {
    engine.diskUse.forget();
    engine.feed.nudge();
  }
}

/** Sets how many newest builds a repository keeps; null for what the installation keeps. Throws `not_found`. */
export async function keepBuilds(
  engine: Engine,
  { repositoryId, builds }: { readonly repositoryId: string; readonly builds: number | null },
): Promise<void> {
  if ((await findRepository(engine.db, repositoryId)) === null)
    throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  await inTransaction(engine.db, async transaction => {
    await updateRepository(transaction, repositoryId, { keptBuilds: builds });
    await appendEvent(transaction, {
      type: 'repository.changed',
      at: engine.clock(),
      repositoryId,
      data: { keptBuilds: builds },
    });
  });
  engine.feed.nudge();
}

/**
 * Pins a build, named by its id or that of its job, or leaves it to the rule. May be repeated. Throws `not_found`, and
 * `artifact.reclaimed` where it is too late.
 */
export async function pinBuild(
  engine: Engine,
  { id, pinned }: { readonly id: string; readonly pinned: boolean },
): Promise<{ readonly id: string; readonly pinnedAtMs: number | null }> {
  const pinnedAt = await inTransaction(engine.db, async transaction => {
    const build = (await findBuild(transaction, id)) ?? (await findBuildOfJob(transaction, id));
    if (build === null)
      throw new DomainError('not_found', `No build has the id ${id}, and no job with it has made one.`, { id });
    if (pinned && build.reclaimedAt !== null) throw reclaimedError(build);
    const is = build.pinnedAt !== null;
    if (is === pinned) return { id: build.id, pinnedAtMs: build.pinnedAt };
    const at = engine.clock();
    await setBuildPinned(transaction, build.id, pinned ? at : null);
    await appendEvent(transaction, {
      type: pinned ? 'build.pinned' : 'build.unpinned',
      at,
      repositoryId: build.repositoryId,
      jobId: build.jobId,
      subjectId: build.id,
    });
    return { id: build.id, pinnedAtMs: pinned ? at : null };
  });
  engine.feed.nudge();
  return pinnedAt;
}
