/** Owns the engine's side of the swarm: one process kept running, what it seeds, what it downloads. Knows nothing of webtorrent. */
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { LaunchedProcess, Launcher, ProcessExit } from '../process/launcher.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AnnounceKeys } from './announce-token.ts';
import {
  type PeerAddress,
  type SwarmCommand,
  type SwarmReport,
  swarmReportSchema,
  type TorrentStats,
} from './messages.ts';
import { parseMetainfo } from './metainfo.ts';
import { createDownloads, type DownloadOptions, type DownloadResult } from './swarm-downloads.ts';
import { createSeeds } from './swarm-seeds.ts';

const firstBackoffMs = 250;
const maxBackoffMs = 30_000;
/** A process that lived this long was healthy: its end starts the backoff anew. */
const healthyAfterMs = 60_000;
/** The process closes its connections in one second; one that has not ended by then is hung. */
const stopGraceMs = 3_000;

/** The end of a process that nobody asked to end. */
export interface SwarmLoss {
  readonly exit: ProcessExit;
  readonly restartInMs: number;
  /** True where the one before it was lost too, before it had lived long enough to be healthy. */
  readonly again: boolean;
}

export interface SwarmStats {
  /** Null while the process is not listening. */
  readonly port: number | null;
  readonly torrents: readonly TorrentStats[];
}

export interface SwarmClient {
  /** Resolves when the process listens. Throws `host.port_in_use`, `swarm.unavailable`. */
  start(): Promise<void>;
  /** Ends the process. May be called at any time, any number of times. */
  stop(): Promise<void>;
  /** The address that it listens at, or will. */
  readonly listenHost: string;
  /** Listens at another address from now on: a running process ends for it, and another one is there at once, on the same port. */
  listenAt(host: string): void;
  /** Where peers connect to; null while the process is not listening. */
  readonly port: number | null;
  /**
   * Seeds `folder/<name>` in place, and again after every restart, until `unseed`. Resolves when it can be fetched from here.
   * `verified` skips reading the file. Throws `artifact.malformed`, `artifact.digest_mismatch`, `not_found`, `conflict`,
   * `swarm.unavailable`.
   */
  seed(options: { torrent: Uint8Array; folder: string; verified: boolean }): Promise<void>;
  /** Stops seeding and closes the file, which stays. */
  unseed(infoHash: string): void;
  /**
   * Fetches a pack to `folder/<name>`: whole and checked piece by piece when it resolves, and seeded from then on. Pieces that
   * lie there already are kept. The pack's own digest is for the caller to check. Throws `swarm.unavailable` (fetch it from a
   * store then), `agent.disk_full`, `artifact.malformed`, `conflict`; the signal's reason when it is aborted.
   */
  download(options: DownloadOptions): Promise<DownloadResult>;
  /** Bytes per second for all torrents together; null is no limit. Held over restarts. */
  setLimits(limits: { uploadBytesPerSecond: number | null; downloadBytesPerSecond: number | null }): void;
  addPeers(infoHash: string, peers: readonly PeerAddress[]): void;
  /** A tracker beside the seeder, or none. Held over restarts; one whose port is taken is named in the log and tried at the next call. */
  setTracker(tracker: { readonly port: number; readonly keys: AnnounceKeys } | null): void;
  /** Where the tracker listens; null while there is none. */
  readonly trackerPort: number | null;
  stats(): SwarmStats;
  /** Called when stats change, at most about once a second; the result ends the subscription. */
  onStats(listener: (stats: SwarmStats) => void): () => void;
  /** Called when the process ended by itself; another one is started. The result ends the subscription. */
  onLost(listener: (loss: SwarmLoss) => void): () => void;
}

/** A client whose process is started by `launcher` and listens at `listen`; port 0 takes any, and keeps it over restarts. */
export function createSwarmClient(options: {
  readonly launcher: Launcher;
  readonly logger: Logger;
  readonly listen: { readonly host: string; readonly port: number };
}): SwarmClient {
  const { launcher, logger, listen } = options;
  const listeners = new Set<(stats: SwarmStats) => void>();
  const lossListeners = new Set<(loss: SwarmLoss) => void>();
  const stopping = new AbortController();
  let child: LaunchedProcess | null = null;
  let exited: Promise<void> = Promise.resolve();
  let port: number | null = null;
  let listenHost = listen.host;
  let keptPort = listen.port;
  let torrents: readonly TorrentStats[] = [];
  let limits: { uploadBytesPerSecond: number | null; downloadBytesPerSecond: number | null } = {
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
  };
  let tracker: { readonly port: number; readonly keys: AnnounceKeys } | null = null;
  let trackerPort: number | null = null;
  let backoffMs = firstBackoffMs;
  let nextId = 1;
  let isMoving = false;
  let started: Promise<void> | null = null;

  const send = (command: SwarmCommand): void => child?.send(command);
  const newId = (): number => nextId++;
  const downloads = createDownloads({ send, newId });
  const seeds = createSeeds({ send, newId, logger });

  const publish = (): void => {
    for (const listener of listeners) listener({ port, torrents });
  };

  const configure = (): void =>
    send({
      type: 'configure',
      port: keptPort,
      listenHost,
      uploadLimitBytesPerSecond: limits.uploadBytesPerSecond,
      downloadLimitBytesPerSecond: limits.downloadBytesPerSecond,
    });

  const track = (): void =>
    send({
      type: 'track',
      host: listenHost,
      port: tracker?.port ?? null,
      keys: {
        machines: [...(tracker?.keys.machines ?? [])],
        controlCenters: [...(tracker?.keys.controlCenters ?? [])],
      },
    });

  const take = (report: SwarmReport): void => {
    switch (report.type) {
      case 'tracking':
        trackerPort = report.port;
        publish();
        return;
      case 'seeding':
        seeds.finish(report.id);
        return;
      case 'downloaded': {
        const finished = downloads.finish(report.id, report);
        if (finished !== null) seeds.adopt(finished);
        return;
      }
      case 'failed': {
        const error = new DomainError(report.code, report.message);
        downloads.fail(report.id, error);
        seeds.fail(report.id, error);
        return;
      }
      case 'stats':
        torrents = report.torrents;
        downloads.progress(torrents);
        publish();
        return;
      case 'log':
        logger[report.level](report.event, { reason: report.message });
        return;
      case 'ready':
      case 'listenFailed':
        // `launch` waits for these.
        return;
      default:
        report satisfies never;
    }
  };

  const launch = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const startedAtMs = performance.now();
      const { promise, resolve: markExited } = Promise.withResolvers<void>();
      exited = promise;
      const launched = launcher.launch('swarm', {});
      const host = listenHost;
      child = launched;
      launched.onMessage(message => {
        const parsed = swarmReportSchema.safeParse(message);
        if (!parsed.success) {
          logger.error('swarm.report_refused', { reason: messageOf(parsed.error) });
          return;
        }
        if (parsed.data.type === 'ready') {
          port = parsed.data.port;
          keptPort = port;
          seeds.resend();
          if (tracker !== null) track();
          publish();
          resolve();
          // Told otherwise while it began to listen.
          if (host !== listenHost) move();
        } else if (parsed.data.type === 'listenFailed') {
          reject(listenError(host, keptPort, parsed.data.systemCode, parsed.data.message));
          launched.kill('SIGTERM');
        } else take(parsed.data);
      });
      launched.onExit(exit => {
        const wasReady = port !== null;
        child = null;
        port = null;
        trackerPort = null;
        torrents = [];
        markExited();
        downloads.failAll(unavailable('The swarm process ended.'));
        publish();
        if (!wasReady)
          reject(unavailable(`The swarm process did not start: ${launched.lastOutput().trim() || 'no output'}.`));
        if (stopping.signal.aborted) return;
        if (performance.now() - startedAtMs > healthyAfterMs) backoffMs = firstBackoffMs;
        if (wasReady && isMoving) {
          isMoving = false;
          backoffMs = 0;
          void relaunch();
        } else if (wasReady) {
          logger.warn('swarm.process_ended', { ...exit, restartInMs: backoffMs, output: launched.lastOutput() });
          const loss = { exit, restartInMs: backoffMs, again: backoffMs > firstBackoffMs };
          for (const listener of lossListeners) listener(loss);
          void relaunch();
        }
      });
      configure();
    });

  const move = (): void => {
    isMoving = true;
    send({ type: 'stop' });
  };

  const relaunch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await delay(backoffMs, undefined, { signal: stopping.signal, ref: false });
        backoffMs = Math.min(maxBackoffMs, Math.max(firstBackoffMs, backoffMs * 2));
        await launch();
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.warn('swarm.restart_failed', { reason: messageOf(error), retryInMs: backoffMs });
        // Another program may have taken a port that was ours only by chance.
        if (listen.port === 0) keptPort = 0;
        await exited;
      }
    }
  };

  return {
    start: () => {
      if (stopping.signal.aborted) return Promise.reject(unavailable('The swarm was stopped.'));
      started ??= launch().catch(error => {
        started = null;
        throw error;
      });
      return started;
    },
    stop: async () => {
      stopping.abort();
      const stopped = unavailable('The swarm was stopped.');
      downloads.failAll(stopped);
      seeds.removeAll(stopped);
      const running = child;
      if (running === null) return;
      running.send({ type: 'stop' } satisfies SwarmCommand);
      const timer = setTimeout(() => running.kill('SIGKILL'), stopGraceMs);
      await exited;
      clearTimeout(timer);
    },
    get listenHost() {
      return listenHost;
    },
    listenAt: host => {
      if (host === listenHost) return;
      listenHost = host;
      if (port !== null) move();
    },
    get port() {
      return port;
    },
    seed: async ({ torrent, folder, verified }) => {
      if (stopping.signal.aborted) throw unavailable('The swarm was stopped.');
      const { infoHash } = parseMetainfo(torrent, null);
      const text = Buffer.from(torrent).toString('base64');
      await seeds.add({ infoHash, torrent: text, folder, verified }, port !== null);
    },
    unseed: infoHash => {
      seeds.remove(infoHash, unavailable('The seed was removed.'));
      send({ type: 'remove', infoHash });
    },
    download: request =>
      port === null ? Promise.reject(unavailable('The swarm process is not running.')) : downloads.start(request),
    setLimits: next => {
      limits = next;
      if (port !== null) configure();
    },
    addPeers: (infoHash, peers) => send({ type: 'addPeers', infoHash, peers: [...peers] }),
    setTracker: next => {
      if (next === null && tracker === null) return;
      tracker = next;
      if (port !== null) track();
    },
    get trackerPort() {
      return trackerPort;
    },
    stats: () => ({ port, torrents }),
    onStats: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onLost: listener => {
      lossListeners.add(listener);
      return () => lossListeners.delete(listener);
    },
  };
}

function unavailable(what: string): DomainError {
  return new DomainError('swarm.unavailable', `${what} The pack can be read from a store instead.`);
}

function listenError(host: string, port: number, systemCode: string | null, message: string): DomainError {
  if (systemCode === 'EADDRINUSE') {
    return new DomainError(
      'host.port_in_use',
      `The swarm cannot listen on ${host}:${port}: another program does. Choose another port, or end that program.`,
      { host, port },
    );
  }
  return new DomainError(
    'swarm.unavailable',
    `The swarm cannot listen on ${host}:${port}: ${message}. Check the address.`,
    {
      host,
      port,
      systemCode,
    },
  );
}
