/** Owns the releasing half of a control center: database, keys, main store and services, wired as the engine wires them. */

import { mkdir } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { onTestFinished } from 'vitest';
import type { ChannelPolicy } from '../../src-main/contract/views/release.ts';
import type { BuildWithPack } from '../../src-main/database/builds.ts';
import { openDatabaseInThread } from '../../src-main/database/open-database.ts';
import { insertRegion, type RegionRecord } from '../../src-main/database/regions.ts';
import { type ChannelRecord, findChannel, insertChannel } from '../../src-main/database/releases.ts';
import type { Clock } from '../../src-main/domain/clock.ts';
import { createChannelEnvironments } from '../../src-main/releases/channel-environment.ts';
import { createChannelValues } from '../../src-main/releases/channel-values.ts';
import { createMachineRegistry } from '../../src-main/releases/machine-registry.ts';
import { createMigrationService } from '../../src-main/releases/migration-service.ts';
import { createPointerService } from '../../src-main/releases/pointer-service.ts';
import { createRegionStores, type RegionStores } from '../../src-main/releases/region-stores.ts';
import { createReleaseService } from '../../src-main/releases/release-service.ts';
import { createRolloutService } from '../../src-main/releases/rollout-service.ts';
import { createTrustService } from '../../src-main/releases/trust-service.ts';
import { createReconciler } from '../../src-main/replication/reconciler.ts';
import { createRegionDocuments } from '../../src-main/replication/region-documents.ts';
import { openKeyring } from '../../src-main/secrets/keyring.ts';
import { openMasterKey } from '../../src-main/secrets/master-key.ts';
import type { BlobStore } from '../../src-main/stores/blob-store.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { addRepository, testDatabase } from './database-fixtures.ts';
import { publishBuild, publishRecord } from './published-build.ts';
import type { OnEnd } from './scratch-folder.ts';

export interface ControlCenterOptions {
  /** Left out: the end of the test. */
  readonly onEnd?: OnEnd;
  /** Where keys and main store lie; a second control center of the same installation names the first one's. */
  readonly home?: string;
  readonly clock?: Clock;
  /** Puts the database behind a thread, as the engine has it. */
  readonly inThread?: boolean;
  /** Wraps the main store, to watch what is written to it. */
  readonly around?: (store: BlobStore) => BlobStore;
  /** The same for the store of each region, once. */
  readonly aroundRegion?: (store: BlobStore, region: RegionRecord) => BlobStore;
}

/** `stores`, with each region's store behind another. */
function wrapped(stores: RegionStores, around: NonNullable<ControlCenterOptions['aroundRegion']>): RegionStores {
  const known = new Map<string, BlobStore>();
  const regional = async () =>
    (await stores.regional()).map(({ region, store }) => {
      const outer = known.get(region.id) ?? around(store, region);
      known.set(region.id, outer);
      return { region, store: outer };
    });
  return {
    main: stores.main,
    regional,
    forget: storeUrl => stores.forget(storeUrl),
    all: async () => [stores.main, ...(await regional()).map(({ store }) => store)],
  };
}

export async function startControlCenter(options: ControlCenterOptions = {}) {
  const onEnd = options.onEnd ?? onTestFinished;
  const { db: direct, file, folder } = await testDatabase(onEnd);
  const db = options.inThread ? openDatabaseInThread(file) : direct;
  if (options.inThread) onEnd(() => db.destroy());
  const home = options.home ?? folder;
  const [mainFolder, keys] = [`${home}/store`, `${home}/keys`];
  await mkdir(mainFolder, { recursive: true });
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const clock = options.clock ?? Date.now;
  const bare = createFilesystemStore(mainFolder);
  const main = options.around?.(bare) ?? bare;
  await insertRegion(db, {
    id: uuidv7(),
    name: 'This machine',
    location: 'main store',
    latitude: 45,
    longitude: 0,
    storeUrl: mainFolder,
    isMain: 1,
    paused: 0,
    addedAt: clock(),
  });
  const keyring = await openKeyring({ folder: keys });
  const bareStores = createRegionStores(db, main, { find: async () => undefined });
  const stores = options.aroundRegion ? wrapped(bareStores, options.aroundRegion) : bareStores;
  const trust = createTrustService({ db, keyring, main, clock });
  await trust.start();
  const pointers = createPointerService({ db, trust, releaseKey: keyring.release, clock });
  const masterKey = await openMasterKey({ folder: keys });
  const environments = createChannelEnvironments({ db, masterKey, clock, logger: silentLogger });
  const values = createChannelValues({ db, masterKey, clock, onChanged: () => undefined });
  const migrations = createMigrationService({
    db,
    main,
    trust,
    releaseKey: keyring.release,
    clock,
    logger: silentLogger,
    onEvent: () => undefined,
  });
  const rollouts = createRolloutService({
    db,
    clock,
    logger: silentLogger,
    onChanged: () => {
      void documents.renewMain();
      reconciler.signal();
    },
  });
  const releases = createReleaseService({
    db,
    main,
    pointers,
    environments,
    migrations,
    rollouts,
    clock,
    logger: silentLogger,
    onReleased: () => reconciler.signal(),
  });
  const documents = createRegionDocuments({ db, stores, trust, pointers, environments, clock, logger: silentLogger });
  const reconciler = createReconciler({
    db,
    stores,
    documents,
    trust,
    masterKey,
    stagingFolder: `${folder}/staging`,
    clock,
    logger: silentLogger,
    onPulse: () => undefined,
    onEvent: () => undefined,
  });
  onEnd(() => reconciler.stop());
  const machines = createMachineRegistry({
    db,
    stores,
    trust,
    masterKey,
    pollIntervalMs: 20,
    clock,
    logger: silentLogger,
    onPulse: () => undefined,
    onEvent: () => undefined,
    onTrustChanged: reconciler.signal,
    prepareForMachines: () => documents.renewMain(),
    afterLook: async () => {
      await migrations.look();
      await rollouts.look();
    },
  });
  onEnd(() => machines.stop());

  return {
    db,
    folder,
    home,
    main,
    masterKey,
    documents,
    keyring,
    stores,
    trust,
    pointers,
    environments,
    values,
    releases,
    migrations,
    rollouts,
    reconciler,
    machines,
    /** A repository with a channel `production`. */
    async addChannel(policy: ChannelPolicy = 'manual'): Promise<ChannelRecord> {
      const repositoryId = await addRepository(db);
      await insertChannel(db, { id: uuidv7(), repositoryId, name: 'production', policy });
      const channel = await findChannel(db, repositoryId, 'production');
      if (!channel) throw new Error('the channel was not added');
      return channel;
    },
    /** A build that really lies in the main store, as a worker publishes it. */
    publishRecord: (build: Parameters<typeof publishRecord>[1]) =>
      publishRecord({ main, release: keyring.release }, build),
    async publishBuild(repositoryId: string, sizeBytes = 100_000): Promise<BuildWithPack> {
      return publishBuild({ db, main, release: keyring.release }, repositoryId, sizeBytes);
    },
    /** A region in a folder; `make` leaves the folder out when false. */
    async addRegion(name: string, make = true) {
      const path = `${folder}/regions/${name}`;
      if (make) await mkdir(path, { recursive: true });
      const id = uuidv7();
      await insertRegion(db, {
        id,
        name,
        location: '',
        latitude: 1,
        longitude: 1,
        storeUrl: path,
        isMain: 0,
        paused: 0,
        addedAt: Date.now(),
      });
      return { id, path, store: createFilesystemStore(path) };
    },
  };
}
