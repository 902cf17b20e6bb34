/** Owns bringing one pack to this machine, whole and with the right digest, from the nearest place that has it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { type BytesBySource, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { parseMetainfo } from '../swarm/metainfo.ts';
import { removePieceRecord } from '../swarm/piece-record.ts';
import { downloadFromStores } from '../swarm/store-download.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { WebSeedGuard } from '../swarm/web-seed-guard.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { Peer } from './find-peers.ts';
import { readFromStores } from './read-from-stores.ts';

/** The largest that `parseMetainfo` takes. */
const maxTorrentBytes = 8 * 1024 * 1024;
/** Machines that begin to fetch a little later are worth asking too. */
const peerRefreshMs = 5_000;
const swarmStallMs = 20_000;
const hashChunkBytes = 1024 * 1024;

export interface FetchProgress {
  readonly phase: 'fetching' | 'verifying';
  /** 0 to 1. */
  readonly progress: number;
  readonly bytes: BytesBySource;
  /** Why it is not done as it was begun. */
  readonly message?: string;
}

export interface PackOptions {
  readonly folder: AgentFolder;
  readonly stores: readonly BlobStore[];
  readonly swarm: SwarmClient | null;
  readonly guard: WebSeedGuard | null;
  readonly pack: Pack;
  /** Called before a pack is fetched. */
  readonly onPack: (pack: Pack) => void;
  readonly findPeers: (pack: Pack) => Promise<readonly Peer[]>;
  readonly onProgress: (progress: FetchProgress) => void;
  readonly signal: AbortSignal;
  /** Whether the pack is taken from stores alone, since whoever fetches from others gives to them. */
  readonly givesNothing: boolean;
  /** Aborted where nothing may be fetched, or no longer. */
  readonly fetching: AbortSignal;
  readonly logger: Logger;
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: hashChunkBytes, signal })) hash.update(chunk);
  return hash.digest('hex');
}

async function packIsWhole(path: string, pack: Pack, signal: AbortSignal): Promise<boolean> {
  try {
    if ((await stat(path)).size !== pack.sizeBytes) return false;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  return (await sha256Of(path, signal)) === pack.digest;
}

/** The torrent of a pack, from this machine or a store. Throws `store.*`, `artifact.*`. */
async function readTorrent({ folder, stores, pack, logger }: PackOptions): Promise<Uint8Array> {
  const path = folder.torrent(pack.digest);
  const accept = (bytes: Uint8Array): Uint8Array => {
    const { sizeBytes, name } = parseMetainfo(bytes, pack.infoHash);
    if (sizeBytes !== pack.sizeBytes || name !== `${pack.digest}.tar.zst`) {
      throw new DomainError(
        'artifact.malformed',
        `The torrent of pack ${pack.digest} is about another file. The pack is read from a store instead.`,
      );
    }
    return bytes;
  };
  const kept = await readFile(path).catch(() => null);
  if (kept !== null) {
    try {
      return accept(kept);
    } catch {
      await rm(path, { force: true });
    }
  }
  const bytes = await readFromStores({
    stores,
    key: storeKeys.torrent(pack.digest),
    maxBytes: maxTorrentBytes,
    accept,
    logger,
  });
  await replacePrivateFile(path, bytes);
  return bytes;
}

/** Fetches the pack through the swarm. Throws `swarm.unavailable`, `agent.disk_full`, `store.*`, `artifact.*`, the signal's reason. */
async function fetchFromSwarm(options: PackOptions, swarm: SwarmClient): Promise<BytesBySource> {
  const { folder, pack, guard, findPeers, onProgress, signal, logger } = options;
  const torrent = await readTorrent(options);
  let known = await findPeers(pack);
  const refresh = setInterval(() => {
    findPeers(pack).then(
      peers => {
        const fresh = peers.filter(peer => !known.some(old => old.host === peer.host && old.port === peer.port));
        known = [...known, ...fresh];
        if (fresh.length > 0) swarm.addPeers(pack.infoHash, fresh);
      },
      (error: unknown) => logger.debug('agent.peers_not_refreshed', { reason: messageOf(error) }),
    );
  }, peerRefreshMs);
  try {
    const { bytesFromPeers, bytesFromWebSeed } = await swarm.download({
      torrent,
      folder: folder.packs,
      peers: known,
      webSeeds: guard === null ? [] : [guard.urlFor(pack.digest)],
      signal,
      stallTimeoutMs: swarmStallMs,
      onProgress: ({ bytesDone, sizeBytes, ...from }) =>
        onProgress({
          phase: 'fetching',
          progress: bytesDone / sizeBytes,
          bytes: { peers: from.bytesFromPeers, region: from.bytesFromWebSeed, reuse: 0 },
        }),
    });
    const reuse = Math.max(0, pack.sizeBytes - bytesFromPeers - bytesFromWebSeed);
    return { peers: bytesFromPeers, region: bytesFromWebSeed, reuse };
  } finally {
    clearInterval(refresh);
  }
}

async function fetchFromStores(options: PackOptions): Promise<BytesBySource> {
  const { folder, stores, pack, onProgress, signal, logger } = options;
  const { bytes } = await downloadFromStores({
    stores,
    key: storeKeys.pack(pack.digest),
    sizeBytes: pack.sizeBytes,
    outFile: folder.pack(pack.digest),
    signal,
    onProgress: bytesDone =>
      onProgress({
        phase: 'fetching',
        progress: bytesDone / pack.sizeBytes,
        bytes: { peers: 0, region: bytesDone, reuse: 0 },
      }),
    onFailure: (store, error) =>
      logger.warn('agent.store_failed', {
        store: store.url,
        key: storeKeys.pack(pack.digest),
        reason: messageOf(error),
      }),
  });
  return { peers: 0, region: bytes, reuse: Math.max(0, pack.sizeBytes - bytes) };
}

/** Ends its seeding and removes it. */
export async function dropPack({ folder, swarm, pack }: PackOptions): Promise<void> {
  swarm?.unseed(pack.infoHash);
  await removePieceRecord(folder.pack(pack.digest));
  await rm(folder.pack(pack.digest), { force: true });
}

/**
 * The pack at its place, with the right digest: from disk, else from the swarm, else from a store. Throws `store.*`, `artifact.*`,
 * `agent.disk_full`, and the reasons of `signal` and `fetching`.
 */
export async function obtainPack(options: PackOptions): Promise<BytesBySource> {
  const { folder, pack, signal, fetching } = options;
  options.onPack(pack);
  if (await packIsWhole(folder.pack(pack.digest), pack, signal)) {
    return { peers: 0, region: 0, reuse: pack.sizeBytes };
  }
  fetching.throwIfAborted();
  return fetchPack({ ...options, signal: AbortSignal.any([signal, fetching]) });
}

async function fetchPack(options: PackOptions): Promise<BytesBySource> {
  const { folder, swarm, pack, onProgress, signal, logger } = options;
  const path = folder.pack(pack.digest);
  if (swarm !== null && options.givesNothing) {
    // To be given later.
    await readTorrent(options).catch(error => logger.debug('agent.torrent_not_read', { reason: messageOf(error) }));
  } else if (swarm !== null && swarm.port !== null) {
    try {
      const bytes = await fetchFromSwarm(options, swarm);
      onProgress({ phase: 'verifying', progress: 0, bytes });
      if (await packIsWhole(path, pack, signal)) return bytes;
      logger.warn('agent.pack_damaged', { digest: pack.digest, from: 'swarm' });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DomainError && error.code === 'agent.disk_full') throw error;
      logger.warn('agent.swarm_left', { digest: pack.digest, reason: messageOf(error) });
    }
    await dropPack(options);
  }
  // Each store gets its turn to be the first: a damaged copy in one must not hide the good one in the next.
  for (const [index] of options.stores.entries()) {
    const stores = [...options.stores.slice(index), ...options.stores.slice(0, index)];
    const bytes = await fetchFromStores({ ...options, stores });
    onProgress({ phase: 'verifying', progress: 0, bytes });
    if (await packIsWhole(path, pack, signal)) return bytes;
    logger.warn('agent.pack_damaged', { digest: pack.digest, from: stores[0]?.url });
    await dropPack(options);
  }
  throw new DomainError(
    'artifact.digest_mismatch',
    `The pack ${pack.digest} arrived damaged. It was removed and is fetched again; if that does not help, verify the region's store in the control center.`,
    { digest: pack.digest },
  );
}
