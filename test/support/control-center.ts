/** Owns the releasing half of a control center: database, keys, main store and services, wired as the engine wires them. */

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { onTestFinished } from 'vitest';
import { storeKeys } from '../../src-main/contract/documents.ts';
import type { ChannelPolicy } from '../../src-main/contract/views.ts';
import type { BuildWithPack } from '../../src-main/database/builds.ts';
import { insertRegion } from '../../src-main/database/regions.ts';
import { type ChannelRecord, findChannel, insertChannel } from '../../src-main/database/releases.ts';
import type { Clock } from '../../src-main/domain/clock.ts';
import { createChannelEnvironments } from '../../src-main/releases/channel-environment.ts';
import { createChannelValues } from '../../src-main/releases/channel-values.ts';
import { createMachineRegistry } from '../../src-main/releases/machine-registry.ts';
import { createMigrationService } from '../../src-main/releases/migration-service.ts';
import { createPointerService } from '../../src-main/releases/pointer-service.ts';
import { createRegionStores } from '../../src-main/releases/region-stores.ts';
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
import { addBuild, addRepository, newRevision, testDatabase } from './database-fixtures.ts';

export interface ControlCenterOptions {
  /** Where keys and main store lie; a second control center of the same installation names the first one's. */
  readonly home?: string;
  readonly clock?: Clock;
  /** Wraps the main store, to watch what is written to it. */
  readonly around?: (store: BlobStore) => BlobStore;
}

export async function startControlCenter(options: ControlCenterOptions = {}) {
  const { db, folder } = await testDatabase();
  const home = options.home ?? folder;
  const [mainFolder, keys] = [`${home}/store`, `${home}/keys`];
  await mkdir(mainFolder, { recursive: true });
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const clock = options.clock ?? Date.now;
  const bare = createFilesystemStore(mainFolder);
  const main = options.around?.(bare) ?? bare;
  const keyring = await openKeyring({ folder: keys });
  const stores = createRegionStores(db, main);
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
      void documents.renewMain(main);
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
  const documents = createRegionDocuments({ db, trust, pointers, environments, clock, logger: silentLogger });
  const reconciler = createReconciler({
    db,
    stores,
    documents,
    clock,
    logger: silentLogger,
    onPulse: () => undefined,
    onEvent: () => undefined,
  });
  onTestFinished(() => reconciler.stop());
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
    prepareForMachines: () => documents.renewMain(main),
    afterLook: async () => {
      await migrations.look();
      await rollouts.look();
    },
  });
  onTestFinished(() => machines.stop());

  return {
    db,
    folder,
    home,
    main,
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
    /** A build whose pack, file list and torrent really lie in the main store. */
    async publishBuild(repositoryId: string, sizeBytes = 100_000): Promise<BuildWithPack> {
      const bytes = Buffer.alloc(sizeBytes, newRevision());
      const digest = createHash('sha256').update(bytes).digest('hex');
      const build = await addBuild(db, repositoryId, { digest, sizeBytes });
      const put = (key: string, content: Uint8Array) => main.put(key, { kind: 'bytes', bytes: content });
      await put(storeKeys.pack(digest), bytes);
      await put(storeKeys.fileList(build.artifactId), Buffer.from('files'));
      await put(storeKeys.torrent(digest), Buffer.from('torrent'));
      await put(storeKeys.build(repositoryId, build.id), Buffer.from('record'));
      return build;
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
