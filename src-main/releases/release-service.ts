/** Owns promote and rollback: which build becomes current on a channel, under the next serial, with what was checked before. */
import { v7 as uuidv7 } from 'uuid';
import { migrationViewSchema } from '../contract/activation.ts';
import type { Pointer } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { RolloutRequest } from '../contract/rollout.ts';
import type { BuildWithPack } from '../database/builds.ts';
import { appendEvent } from '../database/events.ts';
import { fromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { endRelease, holdForRelease, reclaimedError } from '../database/pack-holds.ts';
import { type ChannelRecord, findRelease, type ReleaseRecord, updateChannel } from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ChannelEnvironments } from './channel-environment.ts';
import { mustFindChannel } from './channel-values.ts';
import { type MigrationService, pendingMigration } from './migration-service.ts';
import { migrationsOf, type PointerService, type StoredPointer } from './pointer-service.ts';
import { buildToPromote, releaseToReturnTo } from './release-choice.ts';
import { adoptPointers, highestSerial, recordRelease } from './release-record.ts';
import type { RolloutService } from './rollout-service.ts';

/** The engine renews a pointer once for each machine that comes or goes, or where it was lost; more in a row are a fault. */
const maxRenewals = 5;

export interface ReleaseRequest {
  readonly channel: ChannelRecord;
  readonly build: BuildWithPack;
  readonly kind: ReleaseRecord['kind'];
  readonly reason: string | null;
  /** The release whose environment it takes, for a rollback; otherwise it takes the channel's values as they are now. */
  readonly environmentOf?: ReleaseRecord;
  /** Although the channel is frozen, and in regions before their copy is verified; only with a reason. */
  readonly force?: boolean;
  /** Left out: as the channel does it. A rollback goes to all machines at once. */
  readonly rollout?: RolloutRequest;
}

export interface ReleaseService {
  /** Throws `not_found` with what to do. */
  channel(repositoryId: string, name: string): Promise<ChannelRecord>;
  /** The build to promote: the named one, or the newest. Throws `not_found`. */
  buildToPromote(repositoryId: string, buildId: string | undefined): Promise<BuildWithPack>;
  /** The release to go back to: the named one, or the one before the current. Throws `release.not_kept`, `not_found`. */
  releaseToReturnTo(channel: ChannelRecord, serial: number | undefined): Promise<ReleaseRecord>;
  /** The serial that the next release of a channel takes. */
  nextSerial(channel: ChannelRecord): Promise<number>;
  /** Throws `artifact.reclaimed`, and `conflict` where an automatic release was decided on a channel that has changed since. */
  release(request: ReleaseRequest): Promise<ReleaseRecord>;
  rollback(
    channel: ChannelRecord,
    serial: number | undefined,
    reason: string | null,
    force?: boolean,
  ): Promise<ReleaseRecord>;
  /** Takes over pointers of the main store that this database does not know: a crash between the two, or another control center. */
  adoptPointers(): Promise<void>;
}

/** Throws `input.invalid` for what is forced without a word why. */
function assertReasoned(forced: boolean, reason: string | null): void {
  if (!forced || (reason ?? '').trim() !== '') return;
  throw new DomainError(
    'input.invalid',
    'A release that is forced, and goes to regions before their copy is verified, needs a reason: say why, it is kept with the release.',
    { fields: [{ field: 'reason', message: 'a reason is needed' }] },
  );
}

export function createReleaseService(options: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly pointers: PointerService;
  readonly environments: ChannelEnvironments;
  readonly migrations: MigrationService;
  readonly rollouts: Pick<RolloutService, 'plan'>;
  /** Throws `release.restored` while it is not known how far releases went. Left out: nothing was restored. */
  readonly assertSettled?: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A channel has a new release: publish it to the regions. */
  readonly onReleased: () => void;
}): ReleaseService {
  const { db, main, pointers, environments, migrations, clock, logger } = options;
  let turn: Promise<unknown> = Promise.resolve();

  /** What the policy decided on must still be so when its turn comes: a rollback in between would be undone. */
  function refuseIfMoved(decidedOn: ChannelRecord, channel: ChannelRecord): void {
    const isSame =
      channel.policy === decidedOn.policy &&
      channel.pausedReason === decidedOn.pausedReason &&
      channel.currentReleaseId === decidedOn.currentReleaseId;
    if (isSame) return;
    throw new DomainError('conflict', `${channel.name} was changed while a build was about to go live on it.`, {
      channel: channel.name,
    });
  }

  function refuseIfFrozen(
    { name, frozenReason }: ChannelRecord,
    { force = false, reason }: Pick<ReleaseRequest, 'force' | 'reason'>,
  ): void {
    if (frozenReason === null || (force && reason !== null && reason.trim() !== '')) return;
    throw new DomainError(
      'release.frozen',
      `${name} is frozen: ${frozenReason}. Unfreeze it ("slipway channel unfreeze"), or release all the same with --force and a --reason.`,
      { channel: name },
    );
  }

  /**
   * Writes the pointer in place of the one that was read. That one may be renewed meanwhile, as when its environment is
   * encrypted to a machine that came, or be written again where it was missing: a lower serial takes ours from nobody.
   * Throws `release.serial_taken`.
   */
  async function takeSerial(channel: ChannelRecord, pointer: Pointer, read: StoredPointer | null): Promise<void> {
    let replaced = read;
    for (let triesLeft = maxRenewals; ; triesLeft -= 1) {
      try {
        await pointers.write(main, channel, pointer, replaced?.version ?? null);
        return;
      } catch (error) {
        const isTaken = error instanceof DomainError && error.code === 'release.serial_taken';
        const found = isTaken ? await pointers.read(main, channel) : null;
        const isFree = isTaken && (found?.pointer.serial ?? 0) < pointer.serial;
        if (!isFree || triesLeft === 0) throw error;
        replaced = found;
      }
    }
  }

  /** A rollback undoes no migration and runs none; of the build that runs already, they were run. */
  async function migrationFor(
    channel: ChannelRecord,
    build: BuildWithPack,
    kind: ReleaseRecord['kind'],
  ): Promise<string | null> {
    const brought = migrationsOf(build);
    if (brought === undefined || kind === 'rollback') return null;
    const current = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
    const before = current && fromJson(migrationViewSchema, current.migration);
    if (current?.buildId === build.id && before?.state === 'succeeded') return null;
    return JSON.stringify(pendingMigration(brought, clock()));
  }

  async function release(request: ReleaseRequest): Promise<ReleaseRecord> {
    const { build, kind } = request;
    await options.assertSettled?.();
    const channel = await service.channel(request.channel.repositoryId, request.channel.name);
    if (kind === 'auto') refuseIfMoved(request.channel, channel);
    refuseIfFrozen(channel, request);
    assertReasoned(request.force ?? false, request.reason);
    // A rollback brings none, and must always be possible.
    if (kind !== 'rollback') await migrations.refuseIfRunning(channel);
    const id = uuidv7();
    await holdForRelease(db, id, build.id, clock());
    try {
      const created = await releaseHeld(request, channel, id);
      await endRelease(db, id).catch(error => logger.warn('release.hold_left', { releaseId: id, error }));
      return created;
    } catch (error) {
      await endUnlessWritten(channel, id).catch(why => logger.warn('release.hold_left', { releaseId: id, error: why }));
      throw error;
    }
  }

  /** A pointer that was written and not recorded is adopted at the next start; until then its packs stay held, as where nobody can tell. */
  async function endUnlessWritten(channel: ChannelRecord, id: string): Promise<void> {
    const stored = await pointers.read(main, channel);
    if (stored?.pointer.releaseId !== id) await endRelease(db, id);
  }

  /** The build's packs cannot be reclaimed meanwhile. */
  async function releaseHeld(request: ReleaseRequest, channel: ChannelRecord, id: string): Promise<ReleaseRecord> {
    const { build, kind, reason, force = false } = request;
    const stored = await pointers.read(main, channel);
    const serial = Math.max(stored?.pointer.serial ?? 0, await highestSerial(db, channel)) + 1;
    const created: ReleaseRecord = {
      id,
      channelId: channel.id,
      serial,
      buildId: build.id,
      kind,
      reason,
      previousId: channel.currentReleaseId,
      ...(await environments.forRelease(channel, request.environmentOf ?? null)),
      migration: await migrationFor(channel, build, kind),
      rollout: kind === 'rollback' ? null : await options.rollouts.plan(channel, request.rollout ?? null),
      createdAt: clock(),
      forced: force ? 1 : 0,
    };
    await environments.publishTo(main, channel, created);
    if (created.migration !== null) await migrations.announce(channel, created);
    try {
      // The conditional write takes the serial; only then is it true here. A crash in between is settled by `adoptPointers`.
      await takeSerial(channel, await pointers.compose(channel, created), stored);
    } catch (error) {
      if (created.migration !== null) await migrations.withdraw(channel, created.id);
      throw error;
    }
    await recordRelease(db, channel, created, build);
    options.onReleased();
    return created;
  }

  const service: ReleaseService = {
    channel: (repositoryId, name) => mustFindChannel(db, repositoryId, name),
    buildToPromote: (repositoryId, buildId) => buildToPromote(db, repositoryId, buildId),
    releaseToReturnTo: (channel, serial) => releaseToReturnTo(db, channel, serial),
    async nextSerial(channel) {
      return (await highestSerial(db, channel)) + 1;
    },
    release(request) {
      const released = turn.then(() => release(request));
      turn = released.catch(() => undefined);
      return released;
    },
    async rollback(channel, serial, reason, force = false) {
      refuseIfFrozen(channel, { force, reason });
      assertReasoned(force, reason);
      const target = await service.releaseToReturnTo(channel, serial);
      const build = await service.buildToPromote(channel.repositoryId, target.buildId);
      if (build.reclaimedAt !== null) throw reclaimedError(build);
      if (channel.policy === 'auto') {
        const why = `rolled back to ${target.serial}${reason ? `: ${reason}` : ''}`;
        await updateChannel(db, channel.id, { pausedReason: why });
        await appendEvent(db, {
          type: 'channel.changed',
          at: clock(),
          repositoryId: channel.repositoryId,
          subjectId: channel.id,
          data: { channel: channel.name, pausedReason: why },
        });
      }
      return service.release({ channel, build, kind: 'rollback', reason, environmentOf: target, force });
    },
    adoptPointers: () => adoptPointers(options),
  };
  return service;
}
