/** Owns bringing a release's tree to `releases/<artifact id>`, whole and verified, from the nearest place that has it. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { decodeFileList, maximumFileListBytes } from '../artifacts/file-list.ts';
import { unpackPack } from '../artifacts/unpack.ts';
import { verifyTree } from '../artifacts/verify-tree.ts';
import { type BytesBySource, type FileEntry, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { parseMetainfo } from '../swarm/metainfo.ts';
import { downloadFromStores } from '../swarm/store-download.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { WebSeedGuard } from '../swarm/web-seed-guard.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type AgentFolder, syncFolder } from './agent-folder.ts';
import { installDelta, usableDelta } from './fetch-delta.ts';
import type { Peer } from './find-peers.ts';
import { readFromStores } from './read-from-stores.ts';

/** The largest that `parseMetainfo` takes. */
const maxTorrentBytes = 8 * 1024 * 1024;
/** Machines that begin to fetch a little later are worth asking too. */
const peerRefreshMs = 5_000;
const swarmStallMs = 20_000;
const hashChunkBytes = 1024 * 1024;
const nothing: BytesBySource = { peers: 0, region: 0, reuse: 0 };

export interface FetchProgress {
  readonly phase: 'fetching' | 'verifying';
  /** 0 to 1. */
  readonly progress: number;
  readonly bytes: BytesBySource;
  /** Why it is not done as it was begun. */
  readonly message?: string;
}

/** What came of it, and the pack that lies here now. */
export interface FetchedRelease {
  readonly bytes: BytesBySource;
  readonly pack: Pack;
}

export interface FetchOptions {
  readonly folder: AgentFolder;
  readonly stores: readonly BlobStore[];
  readonly swarm: SwarmClient | null;
  readonly guard: WebSeedGuard | null;
  /** The artifact that runs now: its tree is used as it is, since programs may write beside their files. */
  readonly runningArtifactId: string | null;
  /** The full pack. */
  readonly pack: Pack;
  /** Delta packs to the same artifact, from any base. */
  readonly deltas: readonly Pack[];
  /** Called before a pack is fetched. */
  readonly onPack: (pack: Pack) => void;
  readonly findPeers: (pack: Pack) => Promise<readonly Peer[]>;
  readonly onProgress: (progress: FetchProgress) => void;
  readonly signal: AbortSignal;
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
async function readTorrent({ folder, stores, pack, logger }: FetchOptions): Promise<Uint8Array> {
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
async function fetchFromSwarm(options: FetchOptions, swarm: SwarmClient): Promise<BytesBySource> {
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

async function fetchFromStores(options: FetchOptions): Promise<BytesBySource> {
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

async function dropPack({ folder, swarm, pack }: FetchOptions): Promise<void> {
  swarm?.unseed(pack.infoHash);
  await rm(folder.pack(pack.digest), { force: true });
}

/** The pack at its place, with the right digest: from disk, else from the swarm, else from a store. */
async function obtainPack(options: FetchOptions): Promise<BytesBySource> {
  const { folder, swarm, pack, onProgress, signal, logger } = options;
  const path = folder.pack(pack.digest);
  options.onPack(pack);
  if (await packIsWhole(path, pack, signal)) return { peers: 0, region: 0, reuse: pack.sizeBytes };
  if (swarm !== null && swarm.port !== null) {
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

/** Puts a verified tree in the place of what may lie there, which is never the release that runs. */
async function replaceTree(from: string, to: string): Promise<void> {
  const old = `${to}.tmp-${randomUUID()}`;
  try {
    await rename(to, old);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  await rename(from, to);
  await rm(old, { recursive: true, force: true });
}

async function treeIsWhole(path: string, entries: readonly FileEntry[], logger: Logger): Promise<boolean> {
  try {
    await verifyTree(path, entries);
    return true;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    logger.warn('agent.kept_release_changed', { path, reason: error.message });
    return false;
  }
}

/** The file list of an artifact, from this machine or a store; kept for the deltas to come. Throws `store.*`, `artifact.*`. */
async function readFileList({ folder, stores, logger }: FetchOptions, artifactId: string): Promise<FileEntry[]> {
  const path = folder.fileList(artifactId);
  const kept = await readFile(path).catch(() => null);
  if (kept !== null) {
    try {
      return decodeFileList(kept, artifactId);
    } catch {
      await rm(path, { force: true });
    }
  }
  return readFromStores({
    stores,
    key: storeKeys.fileList(artifactId),
    maxBytes: maximumFileListBytes,
    accept: async bytes => {
      const entries = decodeFileList(bytes, artifactId);
      await replacePrivateFile(path, bytes);
      return entries;
    },
    logger,
  });
}

/** Makes the release in `fresh` by a delta; else the bytes that were spent on it, and the full pack must serve. */
async function fetchByDelta(options: FetchOptions, fresh: string): Promise<FetchedRelease | BytesBySource> {
  const { folder, pack: full, onProgress, signal, logger } = options;
  let bytes = nothing;
  const delta = await usableDelta(folder, options.deltas, full);
  if (delta === null) return bytes;
  try {
    const baseEntries = await readFileList(options, delta.baseArtifactId);
    bytes = await obtainPack({ ...options, pack: delta });
    const reuse = bytes.reuse + full.sizeBytes - delta.sizeBytes;
    const all = { ...bytes, reuse };
    await installDelta({
      folder,
      delta,
      baseEntries,
      fresh,
      signal,
      onProgress: progress => onProgress({ phase: 'verifying', progress, bytes: all }),
    });
    return { bytes: all, pack: delta };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DomainError) || error.code === 'agent.disk_full') throw error;
    logger.warn('agent.delta_left', { digest: delta.digest, code: error.code, reason: error.message });
    await dropPack({ ...options, pack: delta });
    const message = `The whole release is fetched, since its delta could not be used: ${error.message}`;
    onProgress({ phase: 'fetching', progress: 0, bytes, message });
    return { ...bytes, reuse: 0 };
  }
}

/**
 * Makes sure that `releases/<artifact id>` is the artifact of `pack`, and says where its bytes came from: by the smallest delta
 * from a release that lies here, else by the full pack. Nothing but that folder, its file list and the pack changes; safe to
 * abort and to repeat at any time.
 * Throws `store.*`, `artifact.*`, `agent.disk_full`, `data.unwritable`, the signal's reason.
 */
export async function fetchRelease(options: FetchOptions): Promise<FetchedRelease> {
  const { folder, pack, runningArtifactId, onProgress, signal, logger } = options;
  const { artifactId } = pack;
  const reused = { bytes: { ...nothing, reuse: pack.sizeBytes }, pack };
  if (artifactId === runningArtifactId) return reused;
  onProgress({ phase: 'fetching', progress: 0, bytes: nothing });
  const target = folder.release(artifactId);
  const isThere = (await stat(target).catch(() => null)) !== null;
  if (isThere && (await treeIsWhole(target, await readFileList(options, artifactId), logger))) return reused;
  const fresh = `${target}.tmp-${randomUUID()}`;
  const byDelta = await fetchByDelta(options, fresh);
  if ('pack' in byDelta) {
    await replaceTree(fresh, target);
    await syncFolder(folder.releases);
    return byDelta;
  }
  const entries = await readFileList(options, artifactId);
  const fetched = await obtainPack(options);
  const bytes = { ...fetched, peers: fetched.peers + byDelta.peers, region: fetched.region + byDelta.region };
  // Each file's digest is checked while it is written, so the tree need not be read again.
  await unpackPack({
    packFile: folder.pack(pack.digest),
    entries,
    targetDir: fresh,
    signal,
    onProgress: ({ bytesDone, bytesTotal }) =>
      onProgress({ phase: 'verifying', progress: bytesTotal === 0 ? 1 : bytesDone / bytesTotal, bytes }),
  });
  await replaceTree(fresh, target);
  await syncFolder(folder.releases);
  return { bytes, pack };
}
