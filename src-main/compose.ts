/** The only file that knows every part: wires an engine from options, starts it in order and stops it in the opposite one. */

import { createBackups } from './backup/backups.ts';
import { settingsOf } from './contract/settings.ts';
import { findBuild } from './database/builds.ts';
import { createEventFeed } from './database/event-feed.ts';
import { findRepository, type SourceOf, sourceOptionsOf } from './database/repositories.ts';
import { readAllSettings } from './database/settings.ts';
import { createStorageWatch } from './database/storage-watch.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { type Installation, openInstallation } from './installation.ts';
import { createAlerts } from './interchange/alerts.ts';
import { createMetrics } from './interchange/metrics.ts';
import { createOwnPorts } from './interchange/own-ports.ts';
import { createWebhooks } from './interchange/webhooks.ts';
import { createHookListener } from './poller/hook-listener.ts';
import { createMirrorKeeper } from './poller/mirror-space.ts';
import { createNewRevision } from './poller/new-revision.ts';
import { createPoller, pollIntervalMs } from './poller/poller.ts';
import { createRepositories } from './poller/repositories.ts';
import { resourcesFolder } from './process/entry-points.ts';
import { createLinuxNetworkCost } from './process/network-cost.ts';
import { createLinuxPowerState } from './process/power-state.ts';
import { createBuildEnvironment } from './queue/build-environment.ts';
import { createHomeKeeper } from './queue/build-homes.ts';
import { createDrill } from './queue/drill.ts';
import { createWorkerPool } from './queue/worker-pool.ts';
import { createAutoRelease } from './releases/auto-release.ts';
import { createBuildAcceptance } from './releases/build-acceptance.ts';
import { createChannelEnvironments } from './releases/channel-environment.ts';
import { createChannelValues } from './releases/channel-values.ts';
import { createFollowUps } from './releases/follow-up.ts';
import { createMachineRegistry } from './releases/machine-registry.ts';
import { createMigrationService } from './releases/migration-service.ts';
import { createPointerService } from './releases/pointer-service.ts';
import { createRegionStores } from './releases/region-stores.ts';
import { createReleaseService } from './releases/release-service.ts';
import { createRestoredReleases } from './releases/restored-releases.ts';
import { createRolloutService } from './releases/rollout-service.ts';
import { createSeeding } from './releases/seeding.ts';
import { createSwarmRules, listenHostOf } from './releases/swarm-rules.ts';
import { createSwarmStart } from './releases/swarm-start.ts';
import { createTrustService } from './releases/trust-service.ts';
import { createReconciler } from './replication/reconciler.ts';
import { createRegionDocuments } from './replication/region-documents.ts';
import { createDiskUse } from './retention/disk-use.ts';
import { createRetention } from './retention/retention.ts';
import { openSource } from './sources/source.ts';
import { createAnnouncer } from './swarm/announcer.ts';
import { createSwarmClient } from './swarm/swarm-client.ts';

const machinePollMs = 2_000;

/** Opens the data folder and starts every part. Throws `data.*`, `store.*`, `trust.*`, `secret.*`; then nothing is left running. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const installation = await openInstallation(options);
  try {
    return await startOn(installation, options);
  } catch (error) {
    await installation.close();
    throw error;
  }
}

async function startOn(installation: Installation, options: EngineOptions): Promise<Engine> {
  const { db, folder, clock, masterKey, keyring, main, mainStoreUrl, mainStoreAccess, accesses, gitAccesses } =
    installation;
  const { logger, launcher } = options;
  const startedAtMs = clock();
  const interval = options.pollIntervalMs ?? pollIntervalMs;
  const swarmListen = options.swarmListen ?? { host: null, port: 0 };

  const feed = createEventFeed(db, logger);
  const stores = createRegionStores(db, main, accesses);
  const trust = createTrustService({ db, keyring, main, clock });
  await trust.start();
  const pointers = createPointerService({ db, trust, releaseKey: keyring.release, clock });
  const environments = createChannelEnvironments({ db, masterKey, clock, logger });
  const documents = createRegionDocuments({ db, stores, trust, pointers, environments, clock, logger });
  const mirrorOf = (repository: SourceOf) =>
    openSource({
      ...repository,
      options: sourceOptionsOf(repository),
      folder: folder.mirror(repository.id),
      gitPath: installation.gitPath,
      logger,
      access: gitAccesses,
    });

  const reconciler = createReconciler({
    db,
    stores,
    documents,
    trust,
    masterKey,
    stagingFolder: folder.staging,
    clock,
    logger,
    onPulse: () => feed.pulse('replicas'),
    onEvent: feed.nudge,
  });
  const swarmHost = swarmListen.host ?? listenHostOf(settingsOf(await readAllSettings(db)));
  const swarm = createSwarmClient({ launcher, logger, listen: { host: swarmHost, port: swarmListen.port } });
  const seeding = createSeeding({
    db,
    stores,
    swarm,
    releaseKey: keyring.release,
    clock,
    logger,
  });
  const migrations = createMigrationService({
    db,
    main,
    trust,
    releaseKey: keyring.release,
    clock,
    logger,
    onEvent: feed.nudge,
  });
  const rollouts = createRolloutService({
    db,
    clock,
    logger,
    onChanged: () => {
      void documents.renewMain();
      reconciler.signal();
      feed.nudge();
    },
  });
  const restored = createRestoredReleases({
    db,
    stores,
    pointers,
    trust,
    adopt: () => releases.adoptPointers(),
    heal: async () => {
      const { audit } = reconciler;
      await audit.verify(await audit.mainStore(), { deep: false });
    },
    logger,
  });
  const releases = createReleaseService({
    db,
    main,
    pointers,
    environments,
    migrations,
    rollouts,
    assertSettled: restored.assertSettled,
    clock,
    logger,
    onReleased: () => {
      followUps.add('restore.not_settled', () => restored.settle());
      feed.nudge();
      reconciler.signal();
      void seeding.update();
    },
  });
  const autoRelease = createAutoRelease({
    db,
    releases,
    clock,
    logger,
    isAncestor: async (repositoryId, ancestor, descendant) => {
      const repository = await findRepository(db, repositoryId);
      return repository !== null && mirrorOf(repository).isAncestor(ancestor, descendant);
    },
  });
  const machines = createMachineRegistry({
    db,
    stores,
    trust,
    masterKey,
    pollIntervalMs: options.machinePollIntervalMs ?? machinePollMs,
    clock,
    logger,
    onPulse: () => feed.pulse('machines'),
    onEvent: feed.nudge,
    onTrustChanged: reconciler.signal,
    prepareForMachines: () => documents.renewMain(),
    afterLook: async () => {
      await migrations.look();
      await rollouts.look();
    },
  });
  const power = options.power ?? createLinuxPowerState();
  const pool = createWorkerPool({
    db,
    launcher,
    power,
    ...(options.workers === undefined ? {} : { size: options.workers }),
    settings: {
      databaseFile: folder.databaseFile,
      dataFolder: folder.root,
      mainStoreUrl,
      mainStoreAccess,
      masterKey: masterKey.toString('base64'),
    },
    acceptance: createBuildAcceptance({ db, main, releaseKey: keyring.release }),
    clock,
    logger,
    onChanged: feed.nudge,
    onLog: jobId => feed.pulse('log', jobId),
  });
  const onQueued = () => {
    feed.nudge();
    pool.wake();
  };
  const drill = createDrill({ db, feed, isPaused: () => pool.paused, clock, onQueued });
  const poller = createPoller({
    db,
    clock,
    logger,
    intervalMs: interval,
    access: gitAccesses,
    newRevision: createNewRevision({ db, clock, mirrorOf, onQueued }),
    onChanged: feed.nudge,
  });
  const hooks = createHookListener({ db, masterKey, pollNow: poller.pollNow, logger });
  const repositories = createRepositories({
    db,
    clock,
    folder,
    sampleSource: `${resourcesFolder()}/sample`,
    poller,
    access: gitAccesses,
    mirrorOf,
    onChanged: onQueued,
  });

  const environment = createBuildEnvironment({ db, masterKey, clock, onChanged: feed.nudge });
  const channelValues = createChannelValues({ db, masterKey, clock, onChanged: feed.nudge });

  const followUps = createFollowUps(logger);
  feed.onEvent(event => {
    const isFree =
      (event.type === 'channel.changed' && (event.data.paused === false || event.data.frozen === false)) ||
      (event.type === 'release.migration' && event.data.state !== 'running');
    if (isFree && event.repositoryId !== null) {
      const { repositoryId } = event;
      followUps.add('release.catch_up_failed', () => autoRelease.considerAll(repositoryId));
    }
    if (event.type !== 'build.stored' || event.subjectId === null) return;
    const buildId = event.subjectId;
    reconciler.signal();
    followUps.add('build.follow_up_failed', async () => {
      const build = await findBuild(db, buildId);
      if (build) await autoRelease.consider(build);
      await seeding.update();
    });
  });
  swarm.onStats(() => feed.pulse('swarm'));
  const storage = createStorageWatch({ file: folder.databaseFile, onChanged: () => feed.pulse('status') });

  const homes = createHomeKeeper({ db, folder, logger });
  const mirrorKeeper = createMirrorKeeper({ db, folder, clock, logger });
  const diskUse = createDiskUse({ db, main, folder, clock });
  const retention = createRetention({
    db,
    stores,
    folder,
    clock,
    logger,
    onReclaimed: async () => {
      feed.nudge();
      await seeding.update();
    },
    onChanged: () => feed.pulse('status'),
  });
  const swarmStart = createSwarmStart({
    db,
    swarm,
    seeding,
    clock,
    logger,
    onChanged: () => feed.pulse('status'),
    onEvent: feed.nudge,
  });
  const swarmRules = createSwarmRules({
    db,
    swarm,
    fixedHost: swarmListen.host,
    seeding,
    trust,
    power,
    network: createLinuxNetworkCost(),
    clock,
    logger,
  });
  const announcer = createAnnouncer({
    signer: keyring.release,
    port: () => swarm.port,
    packs: () => seeding.infoHashes().map(infoHash => ({ infoHash, leftBytes: 0 })),
    trackers: async () => seeding.trackers(),
    onPeers: () => undefined,
    now: clock,
    logger,
  });
  const ownPorts = createOwnPorts();
  const webhooks = createWebhooks({ db, feed, masterKey, access: gitAccesses, ownPorts, clock, logger });
  const alerts = createAlerts({ db, feed, clock, logger });
  const metrics = createMetrics({ db, feed, swarm: () => swarm.stats(), clock, logger });
  const backups = createBackups({ db, root: folder.root, clock, logger, onChanged: () => feed.pulse('status') });
  let stopped: Promise<void> | null = null;

  async function stop(): Promise<void> {
    drill.stop();
    swarmStart.stop();
    swarmRules.stop();
    await backups.stop();
    await webhooks.stop();
    await metrics.stop();
    await announcer.stop();
    await hooks.stop();
    await poller.stop();
    await pool.stop();
    await homes.stop();
    await mirrorKeeper.stop();
    await retention.stop();
    await feed.stop();
    await alerts.stop();
    await followUps.stop();
    await machines.stop();
    await reconciler.stop();
    await swarm.stop();
    storage.stop();
    await installation.close();
  }

  try {
    await alerts.start();
    await feed.start();
    await restored.start();
    await releases.adoptPointers();
    await pool.start();
    await reconciler.start();
    await retention.start();
    await metrics.start();
  } catch (error) {
    await stop();
    throw error;
  }
  swarmStart.start();
  swarmRules.start();
  webhooks.start();
  announcer.start();
  machines.start();
  poller.start();
  hooks.start();
  storage.start();
  homes.start();
  mirrorKeeper.start();
  followUps.add('restore.not_settled', () => restored.settle());
  followUps.add('release.catch_up_failed', () => autoRelease.considerAll());

  return {
    db,
    feed,
    folder,
    host: options.host,
    clock,
    logger,
    startedAtMs,
    pollIntervalMs: interval,
    keyring,
    keyProtection: installation.keyProtection,
    trust,
    stores,
    accesses,
    gitAccesses,
    pool,
    drill,
    storage,
    poller,
    hooks,
    repositories,
    environment,
    environments,
    channelValues,
    reconciler,
    releases,
    migrations,
    rollouts,
    machines,
    swarm,
    seeding,
    retention,
    mirrorKeeper,
    diskUse,
    swarmRules,
    alerts,
    webhooks,
    ownPorts,
    metrics,
    backups,
    restored,
    swarmProblem: () => swarmStart.problem,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
