/**
 * Owns what an engine that was restored from a backup finds in its stores and does not know: releases and trust of after the backup.
 * Serials never go back: what a region holds is brought to the main store, which decides them, before anything is released.
 */
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { fromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { listRegions } from '../database/regions.ts';
import { listChannels } from '../database/releases.ts';
import { listRepositories } from '../database/repositories.ts';
import { type RestorePending, restorePendingSchema } from '../database/restored-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { PointerService } from './pointer-service.ts';
import type { RegionStores } from './region-stores.ts';
import { highestSerial } from './release-record.ts';
import type { TrustService } from './trust-service.ts';

export interface RestoredReleases {
  /** Reads whether the data folder came from a backup. Once, before the rest. */
  start(): Promise<void>;
  /** Asks the regions that have not been asked; may be repeated. Never throws: what is left is the problem. */
  settle(): Promise<void>;
  /** Settles, and throws `release.restored` while a region has not answered. */
  assertSettled(): Promise<void>;
  /** Regions that have not answered, else releases that the stores hold and this installation does not know; null for neither. */
  readonly problem: DomainError | null;
}

export function createRestoredReleases(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly pointers: PointerService;
  readonly trust: TrustService;
  /** Takes over what was brought to the main store and is of a build that is known. */
  readonly adopt: () => Promise<void>;
  /** Brings what the backup left out to the main store, from regions that have it. */
  readonly heal: () => Promise<void>;
  readonly logger: Logger;
}): RestoredReleases {
  const { db, stores, pointers, trust, logger } = options;
  let pending: RestorePending | null = null;
  let problem: DomainError | null = null;
  let turn: Promise<void> = Promise.resolve();

  /** What a region holds of one channel, brought to the main store where it is newer. */
  async function bringPointers(store: BlobStore): Promise<void> {
    for (const channel of await listChannels(db)) {
      const found = await pointers.read(store, channel);
      const stored = await pointers.read(stores.main, channel);
      if (found === null || found.pointer.serial <= (stored?.pointer.serial ?? 0)) continue;
      const key = storeKeys.pointer(channel.repositoryId, channel.name);
      await stores.main.put(key, { kind: 'bytes', bytes: found.bytes }, { ifVersion: stored?.version ?? null });
      logger.info('restore.pointer_brought', { channel: channel.name, serial: found.pointer.serial });
    }
  }

  async function listNewer(): Promise<RestorePending['newer']> {
    const newer: RestorePending['newer'] = [];
    for (const channel of await listChannels(db)) {
      const stored = await pointers.read(stores.main, channel).catch(() => null);
      if (stored === null || stored.pointer.serial <= (await highestSerial(db, channel))) continue;
      const { serial, revision } = stored.pointer;
      newer.push({ repositoryId: channel.repositoryId, channel: channel.name, serial, revision });
    }
    return newer;
  }

  async function describe(current: RestorePending): Promise<DomainError | null> {
    const since = new Date(current.backupAtMs).toISOString().slice(0, 16).replace('T', ' ');
    if (current.regions === null || current.regions.length > 0) {
      const names = (await listRegions(db)).filter(({ id }) => current.regions?.includes(id)).map(({ name }) => name);
      return new DomainError(
        'release.restored',
        `This installation was restored from a backup of ${since} UTC, and ${names.join(', ') || 'a region'} has not said yet which releases it holds. Until then nothing is released, so that no number is given twice. Make it reachable, or remove the region.`,
        { regions: current.regions },
      );
    }
    const [first] = current.newer;
    if (first === undefined) return null;
    const names = new Map((await listRepositories(db)).map(({ id, name }) => [id, name]));
    const said = current.newer.map(
      ({ repositoryId, channel, serial, revision }) =>
        `${names.get(repositoryId) ?? repositoryId} ${channel}: ${serial} (revision ${revision.slice(0, 12)})`,
    );
    return new DomainError(
      'release.restored',
      `This installation was restored from a backup of ${since} UTC, and the stores hold newer releases that it does not know: ${said.join('; ')}. They run on; the next release takes a higher number.`,
      { newer: current.newer },
    );
  }

  async function settleOnce(): Promise<void> {
    if (pending === null) return;
    const regional = await stores.regional();
    const left: string[] = [];
    for (const { region, store } of regional) {
      if (pending.regions !== null && !pending.regions.includes(region.id)) continue;
      try {
        await trust.adoptFrom(store);
        await bringPointers(store);
      } catch (error) {
        logger.warn('restore.region_not_asked', { region: region.name, error: messageOf(error) });
        left.push(region.id);
      }
    }
    await options.adopt();
    pending = { ...pending, regions: left, newer: await listNewer() };
    problem = await describe(pending);
    const isOver = left.length === 0 && pending.newer.length === 0;
    await writeSetting(db, 'restore.pending', isOver ? '' : JSON.stringify(pending));
    if (isOver) pending = null;
  }

  function ask(): Promise<void> {
    turn = turn.then(settleOnce).catch(error => logger.error('restore.not_settled', { error }));
    return turn;
  }

  return {
    async start() {
      const kept = await readSetting(db, 'restore.pending');
      pending = kept ? fromJson(restorePendingSchema, kept) : null;
      problem = pending && (await describe(pending));
    },
    async settle() {
      if (pending === null) return;
      await ask();
      await options.heal().catch(error => logger.warn('restore.not_healed', { error }));
    },
    async assertSettled() {
      if (pending === null) return;
      await ask();
      if (problem !== null && (pending.regions === null || pending.regions.length > 0)) throw problem;
    },
    get problem() {
      return problem;
    },
  };
}
