/** Owns the control center's part in migrations: it announces them in the main store, follows them there, and says what a person decided. */
import { type Migration, type MigrationView, migrationViewSchema } from '../contract/activation.ts';
import { type MigrationRecord, storeKeys } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import { fromJson } from '../database/json-column.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import {
  type ChannelRecord,
  findRelease,
  listChannels,
  listNewestWithMigrations,
  listReleases,
  type ReleaseRecord,
  updateRelease,
} from '../database/releases.ts';
import type { Clock } from '../domain/clock.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import {
  createLeaseWatch,
  maxMigrationBytes,
  mayRepeat,
  migrationLeaseMs,
  signMigration,
  verifyMigration,
} from './migration-record.ts';
import { migrationsOf } from './pointer-service.ts';
import type { TrustService } from './trust-service.ts';

/** Releases of a channel whose migrations may still be under way. */
const watchedReleases = 20;

export interface MigrationService {
  /** Puts the record of a release that is about to be made into the main store. Throws `store.*`. */
  announce(channel: ChannelRecord, release: Pick<ReleaseRecord, 'id' | 'serial'>): Promise<void>;
  /** Takes back what was announced for a release that was not made. Never throws. */
  withdraw(channel: ChannelRecord, releaseId: string): Promise<void>;
  /** Throws `release.migrating` while a machine migrates for a release of the channel: two must not change one database. */
  refuseIfRunning(channel: ChannelRecord): Promise<void>;
  /** Looks at the records of what channels run, and says where a holder is lost. Never throws. */
  look(): Promise<void>;
  /**
   * What a person decided on the channel's current release: its migrations are run (again), or count as done.
   * Throws `conflict` where there is nothing to decide or a machine is at it, `not_found`, `store.*`.
   */
  decide(channel: ChannelRecord, verdict: 'resume' | 'skip', reason: string): Promise<ReleaseRecord>;
}

/** What a release that brings these migrations says of them at first. */
export function pendingMigration(migrations: readonly Migration[], atMs: number): MigrationView {
  const names = migrations.map(migration => migration.name);
  return { state: 'pending', token: 0, machineId: null, names, message: null, atMs };
}

export function createMigrationService(options: {
  readonly db: Db;
  readonly main: BlobStore;
  readonly trust: TrustService;
  readonly releaseKey: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEvent: () => void;
}): MigrationService {
  const { db, main, trust, releaseKey, clock, logger } = options;
  const leases = createLeaseWatch();

  async function put(record: MigrationRecord, ifVersion: string | null): Promise<void> {
    const key = storeKeys.migration(record.repositoryId, record.releaseId);
    await main.put(key, { kind: 'bytes', bytes: signMigration(record, releaseKey) }, { ifVersion });
  }

  async function read({ repositoryId, name }: ChannelRecord, releaseId: string) {
    const found = await main.read(storeKeys.migration(repositoryId, releaseId), maxMigrationBytes);
    if (found === null) return null;
    const about = { repositoryId, channel: name, releaseId };
    return { record: verifyMigration(found.bytes, trust.current, about), version: found.version };
  }

  async function note(
    channel: ChannelRecord,
    release: ReleaseRecord,
    view: MigrationView,
    record: MigrationRecord,
  ): Promise<void> {
    const { state, token, machineId, message } = record;
    if (view.state === state && view.token === token) return;
    const next: MigrationView = { ...view, state, token, machineId, message, atMs: record.changedAtMs };
    await inTransaction(db, async transaction => {
      await updateRelease(transaction, release.id, { migration: JSON.stringify(next) });
      await appendEvent(transaction, {
        type: 'release.migration',
        at: clock(),
        repositoryId: channel.repositoryId,
        subjectId: release.id,
        data: { channel: channel.name, serial: release.serial, state, machineId, message },
      });
    });
    options.onEvent();
  }

  /** With no machine left to see it, the control center itself must. Who was only slow is refused its last word by the token. */
  async function settleLost(
    record: MigrationRecord,
    version: string,
    release: ReleaseRecord,
  ): Promise<MigrationRecord> {
    if (!leases.isLost(record)) return record;
    const build = await db.selectFrom('builds').selectAll().where('id', '=', release.buildId).executeTakeFirst();
    const isRepeatable = build !== undefined && mayRepeat(migrationsOf(build) ?? []);
    const settled: MigrationRecord = {
      ...record,
      state: isRepeatable ? 'pending' : 'interrupted',
      token: record.token + 1,
      message: `Its machine has not been heard of while it migrated.${isRepeatable ? '' : ' Look at the database, then say "slipway release migrate resume" or "skip".'}`,
      changedAtMs: clock(),
    };
    await put(settled, version);
    return settled;
  }

  async function lookAt(channel: ChannelRecord, release: ReleaseRecord): Promise<void> {
    const view = fromJson(migrationViewSchema, release.migration);
    const isFollowed = view?.state === 'running' || release.id === channel.currentReleaseId;
    if (view === null || !isFollowed || view.state === 'succeeded' || view.state === 'skipped') return;
    const found = await read(channel, release.id);
    if (found === null) return;
    await note(channel, release, view, await settleLost(found.record, found.version, release));
  }

  /** Also at what was released over: its machine may be at it still. */
  async function lookAtEach(channel: ChannelRecord, releases: readonly ReleaseRecord[]): Promise<void> {
    for (const release of releases) await lookAt(channel, release);
  }

  return {
    announce: ({ repositoryId, name }, { id, serial }) =>
      put(
        {
          type: 'slipway.migration/v1',
          repositoryId,
          channel: name,
          releaseId: id,
          serial,
          state: 'pending',
          token: 0,
          machineId: null,
          beat: 0,
          leaseMs: migrationLeaseMs,
          message: null,
          changedAtMs: clock(),
        },
        null,
      ),
    withdraw: ({ repositoryId }, releaseId) =>
      main
        .delete(storeKeys.migration(repositoryId, releaseId))
        .catch((error: unknown) => logger.warn('migration.not_withdrawn', { releaseId, error })),
    async look() {
      // Most channels bring none, and an engine at rest asks nothing more.
      const releases = await listNewestWithMigrations(db, watchedReleases);
      if (releases.length === 0) return;
      for (const channel of await listChannels(db)) {
        const watched = releases.filter(release => release.channelId === channel.id);
        await lookAtEach(channel, watched).catch((error: unknown) =>
          logger.warn('migration.not_followed', { channel: channel.name, error }),
        );
      }
    },
    async refuseIfRunning(channel) {
      await lookAtEach(channel, await listReleases(db, channel.id, watchedReleases));
      for (const { serial, migration } of await listReleases(db, channel.id, watchedReleases)) {
        if (fromJson(migrationViewSchema, migration)?.state !== 'running') continue;
        throw new DomainError(
          'release.migrating',
          `A machine runs the migrations of release ${serial} on ${channel.name}. Release when they have ended; "slipway release list" shows it.`,
          { channel: channel.name, serial },
        );
      }
    },
    async decide(channel, verdict, reason) {
      const release = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
      const view = release && fromJson(migrationViewSchema, release.migration);
      const found = view && (await read(channel, release.id));
      if (!found) {
        throw new DomainError('conflict', `What ${channel.name} runs has no migrations to decide on.`, {
          channel: channel.name,
        });
      }
      const { record, version } = found;
      const mayDecide = record.state === 'failed' || record.state === 'interrupted';
      if (!mayDecide && !(verdict === 'skip' && record.state === 'pending')) {
        throw new DomainError(
          'conflict',
          `The migration of release ${release.serial} is ${record.state}: there is nothing to ${verdict}.`,
          { serial: release.serial, state: record.state },
        );
      }
      const decided: MigrationRecord = {
        ...record,
        state: verdict === 'skip' ? 'skipped' : 'pending',
        token: record.token + 1,
        message: reason,
        changedAtMs: clock(),
      };
      await put(decided, version);
      await note(channel, release, view, decided);
      return (await findRelease(db, release.id)) ?? release;
    },
  };
}
