/** Owns releases in the database: recorded when their pointer is written, and taken over from pointers that it does not know. */
import { type BuildWithPack, findBuild } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { endAllReleases } from '../database/pack-holds.ts';
import {
  type ChannelRecord,
  insertRelease,
  listChannels,
  listReleases,
  type ReleaseRecord,
  updateChannel,
} from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { pendingMigration } from './migration-service.ts';
import type { PointerService } from './pointer-service.ts';

/** The serial of the channel's newest release as this control center knows it; 0 where there is none. */
export async function highestSerial(db: Db, channel: ChannelRecord): Promise<number> {
  const [newest] = await listReleases(db, channel.id, 1);
  return newest?.serial ?? 0;
}

/** Makes a release, whose pointer is written, the channel's current one. */
export async function recordRelease(
  db: Db,
  channel: ChannelRecord,
  release: ReleaseRecord,
  build: BuildWithPack,
): Promise<void> {
  await inTransaction(db, async transaction => {
    await insertRelease(transaction, release);
    await updateChannel(transaction, channel.id, { currentReleaseId: release.id });
    await appendEvent(transaction, {
      type: 'release.created',
      at: release.createdAt,
      repositoryId: channel.repositoryId,
      jobId: build.jobId,
      subjectId: release.id,
      data: {
        channel: channel.name,
        serial: release.serial,
        kind: release.kind,
        revision: build.revision,
        ...(release.forced === 1 ? { forced: true, reason: release.reason } : {}),
      },
    });
  });
}

/** Takes over pointers of the main store that this database does not know: a crash between the two, or another control center. */
export async function adoptPointers({
  db,
  main,
  pointers,
  clock,
  logger,
}: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly pointers: Pick<PointerService, 'read'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<void> {
  for (const channel of await listChannels(db)) {
    const stored = await pointers.read(main, channel).catch(error => {
      // One damaged or foreign pointer must not keep the engine from starting; the next release of its channel says what is wrong.
      logger.error('pointer.not_adopted', { channel: channel.name, repositoryId: channel.repositoryId, error });
      return null;
    });
    if (!stored || stored.pointer.serial <= (await highestSerial(db, channel))) continue;
    const build = await findBuild(db, stored.pointer.buildId);
    // A build of another control center is not in this database; its serial is still respected by `release`.
    if (!build) continue;
    await recordRelease(
      db,
      channel,
      {
        id: stored.pointer.releaseId,
        channelId: channel.id,
        serial: stored.pointer.serial,
        buildId: build.id,
        kind: 'promote',
        reason: 'Found in the main store after a restart',
        previousId: channel.currentReleaseId,
        environmentVersion: stored.pointer.environmentVersion ?? null,
        environmentDigest: stored.pointer.environmentDigest,
        migration:
          stored.pointer.migrations === undefined
            ? null
            : JSON.stringify(pendingMigration(stored.pointer.migrations, clock())),
        rollout: null,
        createdAt: stored.pointer.issuedAtMs,
        forced: 0,
      },
      build,
    );
  }
  await endAllReleases(db);
}
