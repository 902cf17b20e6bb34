/** Owns the downloads that are under way on the engine's side: their callers, their progress, their stall clocks. Knows no process. */
import { isAbsolute } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import { type PeerAddress, peerAddressSchema, type SwarmCommand, type TorrentStats } from './messages.ts';
import { parseMetainfo } from './metainfo.ts';

export interface DownloadProgress {
  readonly bytesDone: number;
  readonly sizeBytes: number;
  readonly bytesFromPeers: number;
  readonly bytesFromWebSeed: number;
  readonly peers: number;
  readonly downloadBytesPerSecond: number;
}

export interface DownloadOptions {
  readonly torrent: Uint8Array;
  /** Absolute; must exist. */
  readonly folder: string;
  /** Machines that may have the pack. One that cannot be understood is left out. */
  readonly peers: readonly PeerAddress[];
  /** URLs of a web-seed guard. Used at once when there are no peers, else when peers give less than 1 MiB/s. */
  readonly webSeeds: readonly string[];
  readonly signal?: AbortSignal;
  /** Called about once a second. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Without a further byte for this long the download fails with `swarm.unavailable`. Default 30 s. */
  readonly stallTimeoutMs?: number;
}

export interface DownloadResult {
  /** Payload that was fetched; less than the pack where pieces lay on disk already. */
  readonly bytesFromPeers: number;
  readonly bytesFromWebSeed: number;
}

export interface FinishedDownload {
  readonly infoHash: string;
  readonly torrent: string;
  readonly folder: string;
}

interface Running extends FinishedDownload {
  readonly id: number;
  /** The most that there ever was: pieces that fail their check are taken back, and are no progress when they come again. */
  mostBytesDone: number;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
  readonly restartStallClock: () => void;
  readonly resolve: (result: DownloadResult) => void;
  readonly reject: (error: unknown) => void;
}

export interface Downloads {
  start(options: DownloadOptions): Promise<DownloadResult>;
  /** What was finished, or null when nobody waits for it. */
  finish(id: number, result: DownloadResult): FinishedDownload | null;
  fail(id: number, error: DomainError): void;
  failAll(error: DomainError): void;
  progress(torrents: readonly TorrentStats[]): void;
}

const defaultStallTimeoutMs = 30_000;

/** The downloads of one client; they outlive no swarm process. */
export function createDownloads(options: {
  readonly send: (command: SwarmCommand) => void;
  readonly newId: () => number;
}): Downloads {
  const { send, newId } = options;
  const running = new Map<number, Running>();

  const start = async (request: DownloadOptions): Promise<DownloadResult> => {
    request.signal?.throwIfAborted();
    if (!isAbsolute(request.folder)) {
      throw new DomainError('input.invalid', `The download folder ${request.folder} is not an absolute path.`);
    }
    const { infoHash } = parseMetainfo(request.torrent, null);
    const torrent = Buffer.from(request.torrent).toString('base64');
    const id = newId();
    const stallTimeoutMs = request.stallTimeoutMs ?? defaultStallTimeoutMs;
    const { promise, resolve, reject } = Promise.withResolvers<DownloadResult>();

    const abandon = (reason: unknown): void => {
      if (!running.delete(id)) return;
      send({ type: 'remove', infoHash });
      reject(reason);
    };
    const onAbort = (): void => abandon(request.signal?.reason);
    const onStall = (): void =>
      abandon(
        new DomainError(
          'swarm.unavailable',
          `No peer and no web seed gave a byte of the pack for ${stallTimeoutMs / 1_000} s. Read it from a store instead.`,
          { infoHash },
        ),
      );
    let stallTimer = setTimeout(onStall, stallTimeoutMs);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    running.set(id, {
      id,
      infoHash,
      torrent,
      folder: request.folder,
      mostBytesDone: 0,
      onProgress: request.onProgress,
      restartStallClock: () => {
        clearTimeout(stallTimer);
        stallTimer = setTimeout(onStall, stallTimeoutMs);
      },
      resolve,
      reject,
    });
    send({
      type: 'download',
      id,
      torrent,
      folder: request.folder,
      peers: request.peers.filter(peer => peerAddressSchema.safeParse(peer).success).slice(0, 1_000),
      webSeeds: [...request.webSeeds],
    });
    try {
      return await promise;
    } finally {
      clearTimeout(stallTimer);
      request.signal?.removeEventListener('abort', onAbort);
    }
  };

  const takeOut = (id: number): Running | null => {
    const download = running.get(id) ?? null;
    running.delete(id);
    return download;
  };

  return {
    start,
    finish: (id, { bytesFromPeers, bytesFromWebSeed }) => {
      const download = takeOut(id);
      download?.resolve({ bytesFromPeers, bytesFromWebSeed });
      return download;
    },
    fail: (id, error) => takeOut(id)?.reject(error),
    failAll: error => {
      for (const id of [...running.keys()]) takeOut(id)?.reject(error);
    },
    progress: torrents => {
      for (const download of running.values()) {
        const stats = torrents.find(torrent => torrent.infoHash === download.infoHash);
        if (stats === undefined) continue;
        const bytesDone = Math.floor(stats.progress * stats.sizeBytes);
        if (bytesDone > download.mostBytesDone) download.restartStallClock();
        download.mostBytesDone = Math.max(download.mostBytesDone, bytesDone);
        download.onProgress?.({
          bytesDone,
          sizeBytes: stats.sizeBytes,
          bytesFromPeers: stats.bytesFromPeers,
          bytesFromWebSeed: stats.bytesFromWebSeed,
          peers: stats.peers,
          downloadBytesPerSecond: stats.downloadBytesPerSecond,
        });
      }
    },
  };
}
