/** Owns what this control center seeds, and the signed note by which machines find it. The torrents run in the swarm process. */
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { storeKeys } from '../contract/documents.ts';
import { type BuildWithPack, findBuild, listBuilds, listDeltaPacks } from '../database/builds.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { findRelease, listChannels } from '../database/releases.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { RegionStores } from './region-stores.ts';
import { seederKey, signSeeder } from './seeder-document.ts';

/** Besides what channels run: enough that a promote of a recent build finds it seeded. */
const newestBuilds = 10;
const maxTorrentBytes = 8 * 1024 * 1024;

export interface Seeding {
  /** Seeds what should be seeded, stops the rest, and tells the machines. One run at a time; a call during one runs it again. */
  update(): Promise<void>;
  /** Until it is resumed, or until that time (UTC milliseconds). */
  setPaused(paused: boolean, untilMs?: number | null): Promise<void>;
  readonly paused: boolean;
  readonly pausedUntilMs: number | null;
  /** What this machine's state forbids for now, whatever a person has paused. */
  setHeldBy(reason: HeldBy | null): void;
  readonly heldBy: HeldBy | null;
  /** A tracker beside the own one. */
  setOtherTracker(url: string | null): void;
  /** What machines are told: the own tracker where it listens, and the other one. */
  trackers(): readonly string[];
  /** Info hashes of what is seeded now. */
  infoHashes(): readonly string[];
}

export type HeldBy = 'battery' | 'metered';

/** Where the own tracker may be asked; an address more is an attempt more for each machine. */
const maxOwnTrackers = 4;

/** Where machines can reach a listener on `host`. */
export function reachableAddresses(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(address => !address.internal && address.family === 'IPv4')
    .map(address => address.address);
}

/** A full pack or a delta, and whose it is. */
type SeedablePack = Pick<BuildWithPack, 'repositoryId' | 'infoHash' | 'packDigest'>;

export function createSeeding(options: {
  readonly db: Db;
  readonly stores: RegionStores;
  readonly swarm: SwarmClient;
  readonly releaseKey: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
}): Seeding {
  const { db, stores, swarm, logger } = options;
  const seeded = new Set<string>();
  const told = new Map<string, string>();
  let running: Promise<void> | null = null;
  let again = false;
  let paused = false;
  let pausedUntilMs: number | null = null;
  let heldBy: HeldBy | null = null;
  let otherTracker: string | null = null;
  let trackerPort: number | null = null;
  let toldHost = swarm.listenHost;

  async function wanted(): Promise<SeedablePack[]> {
    const builds = await listBuilds(db, { limit: newestBuilds, kept: true });
    for (const channel of await listChannels(db)) {
      const release = channel.currentReleaseId ? await findRelease(db, channel.currentReleaseId) : null;
      const build = release ? await findBuild(db, release.buildId) : null;
      if (build?.reclaimedAt === null) builds.push(build);
    }
    const packs = new Map<string, SeedablePack>();
    for (const build of builds) {
      packs.set(`${build.repositoryId} ${build.packDigest}`, build);
      for (const { digest, infoHash } of await listDeltaPacks(db, build.artifactId)) {
        const { repositoryId } = build;
        packs.set(`${repositoryId} ${digest}`, { repositoryId, infoHash, packDigest: digest });
      }
    }
    return [...packs.values()];
  }

  async function seed(build: SeedablePack): Promise<void> {
    if (seeded.has(build.infoHash)) return;
    const path = stores.main.localPath(storeKeys.pack(build.packDigest));
    const torrent = await stores.main.read(storeKeys.torrent(build.packDigest), maxTorrentBytes);
    if (path === null || torrent === null) return;
    // The pack was hashed while it was written to the store; reading it again at every start would cost minutes.
    await swarm.seed({ torrent: torrent.bytes, folder: dirname(path), verified: true });
    seeded.add(build.infoHash);
  }

  async function tell(repositoryId: string, seeding: readonly string[]): Promise<void> {
    const { port } = swarm;
    const peers =
      port === null
        ? []
        : reachableAddresses(swarm.listenHost)
            .slice(0, 16)
            .map(host => ({ host, port }));
    const known = trackers();
    const content = JSON.stringify({ peers, seeding, known });
    for (const store of await stores.all()) {
      const name = `${store.url} ${repositoryId}`;
      if (told.get(name) === content) continue;
      try {
        const bytes = signSeeder(
          {
            type: 'slipway.seeder/v1',
            repositoryId,
            peers,
            seeding: [...seeding].slice(0, 256),
            ...(known.length === 0 ? {} : { trackers: [...known] }),
            sequence: await nextSequence(),
            reportedAtMs: options.clock(),
          },
          options.releaseKey,
        );
        await store.put(seederKey(repositoryId, options.releaseKey.keyId), { kind: 'bytes', bytes });
        told.set(name, content);
      } catch (error) {
        logger.warn('seeder.not_told', { store: store.url, error });
      }
    }
  }

  const nextSequence = () =>
    inTransaction(db, async transaction => {
      const next = Number((await readSetting(transaction, 'seeder.sequence')) ?? 0) + 1;
      await writeSetting(transaction, 'seeder.sequence', String(next));
      return next;
    });

  async function run(): Promise<void> {
    const builds = paused || heldBy !== null ? [] : await wanted();
    const keep = new Set(builds.map(build => build.infoHash));
    for (const infoHash of seeded) {
      if (keep.has(infoHash)) continue;
      swarm.unseed(infoHash);
      seeded.delete(infoHash);
    }
    for (const build of builds) {
      await seed(build).catch(error => logger.warn('seed.failed', { infoHash: build.infoHash, error }));
    }
    const repositories = new Set([
      ...builds.map(build => build.repositoryId),
      ...(await listChannels(db)).map(c => c.repositoryId),
    ]);
    for (const repositoryId of repositories) {
      const ofRepository = builds.filter(build => build.repositoryId === repositoryId && seeded.has(build.infoHash));
      await tell(repositoryId, [...new Set(ofRepository.map(build => build.infoHash))].sort());
    }
  }

  function trackers(): string[] {
    const own = trackerPort === null ? [] : reachableAddresses(swarm.listenHost).slice(0, maxOwnTrackers);
    const urls = own.map(host => `http://${host.includes(':') ? `[${host}]` : host}:${trackerPort}/announce`);
    return otherTracker === null ? urls : [...urls, otherTracker];
  }

  // A tracker comes and goes with the swarm process, which may come back at another address.
  swarm.onStats(() => {
    const hasMoved = swarm.port !== null && swarm.listenHost !== toldHost;
    if (swarm.trackerPort === trackerPort && !hasMoved) return;
    trackerPort = swarm.trackerPort;
    if (hasMoved) toldHost = swarm.listenHost;
    // The end of the process is no news: it comes back on the same port.
    if (swarm.port !== null) void update();
  });

  function update(): Promise<void> {
    if (running) {
      again = true;
      return running;
    }
    running = run()
      .catch(error => logger.error('seeding.failed', { error }))
      .then(async () => {
        running = null;
        if (!again) return;
        again = false;
        await update();
      });
    return running;
  }

  return {
    get paused() {
      return paused;
    },
    get pausedUntilMs() {
      return pausedUntilMs;
    },
    get heldBy() {
      return heldBy;
    },
    update,
    trackers,
    infoHashes: () => [...seeded],
    setHeldBy(reason) {
      if (reason === heldBy) return;
      heldBy = reason;
      logger.info('seeding.held', { by: reason });
      void update();
    },
    setOtherTracker(url) {
      if (url === otherTracker) return;
      otherTracker = url;
      void update();
    },
    async setPaused(value, untilMs = null) {
      paused = value;
      pausedUntilMs = value ? untilMs : null;
      await writeSetting(db, 'swarm.paused', String(pausedUntilMs ?? value));
      await update();
    },
  };
}
