/** Owns which build or earlier release is meant by a person who names one, or none. Changes nothing. */
import { DomainError } from '../contract/errors.ts';
import { type BuildWithPack, findBuild, findNewestBuild } from '../database/builds.ts';
import type { Db } from '../database/open-database.ts';
import {
  type ChannelRecord,
  findRelease,
  findReleaseBySerial,
  listReleases,
  type ReleaseRecord,
} from '../database/releases.ts';
import { releaseBefore, runsAs } from '../domain/release-history.ts';

/** The build to promote: the named one, or the newest. Throws `not_found`. */
export async function buildToPromote(
  db: Db,
  repositoryId: string,
  buildId: string | undefined,
): Promise<BuildWithPack> {
  const build = buildId ? await findBuild(db, buildId) : await findNewestBuild(db, repositoryId);
  if (build && build.repositoryId === repositoryId) return build;
  throw new DomainError(
    'not_found',
    buildId
      ? `This repository has no build ${buildId}.`
      : 'This repository has no build yet. Wait for its first job to succeed.',
    { repositoryId, buildId: buildId ?? null },
  );
}

/** The release to go back to: the named one, or the one before the current. Throws `release.not_kept`, `not_found`, `conflict`. */
export async function releaseToReturnTo(
  db: Db,
  channel: ChannelRecord,
  serial: number | undefined,
): Promise<ReleaseRecord> {
  const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
  if (serial !== undefined) {
    const named = await findReleaseBySerial(db, channel.id, serial);
    if (!named) {
      throw new DomainError('not_found', `Channel ${channel.name} has no release ${serial}.`, { serial });
    }
    if (current && runsAs(named, current)) {
      throw new DomainError(
        'conflict',
        `Channel ${channel.name} runs release ${serial}'s build with its environment already.`,
        { serial },
      );
    }
    return named;
  }
  const earlier = current && releaseBefore(current, await listReleases(db, channel.id, 200));
  if (!earlier) {
    throw new DomainError('release.not_kept', `Channel ${channel.name} has no earlier release to go back to.`, {
      channel: channel.name,
    });
  }
  return earlier;
}
