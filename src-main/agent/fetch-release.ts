/** Owns bringing a release's tree to `releases/<artifact id>`, whole and verified: by a delta pack, or by the full one. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { decodeFileList, maximumFileListBytes } from '../artifacts/file-list.ts';
import { unpackPack } from '../artifacts/unpack.ts';
import { type BytesBySource, type FileEntry, type Pack, storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import { syncFolder } from './agent-folder.ts';
import { cleanAndVerify, recordTree } from './check-kept.ts';
import { installDelta, usableDelta } from './fetch-delta.ts';
import { LinkedFiles } from './linked-files.ts';
import { dropPack, obtainPack, type PackOptions } from './obtain-pack.ts';
import { readFromStores } from './read-from-stores.ts';

const nothing: BytesBySource = { peers: 0, region: 0, reuse: 0 };

/** What came of it, and the pack that lies here now. */
export interface FetchedRelease {
  readonly bytes: BytesBySource;
  readonly pack: Pack;
}

/** `pack` is the full one. */
export interface FetchOptions extends PackOptions {
  /** The artifact that runs now: its tree is used as it is, since programs may write beside their files. */
  readonly runningArtifactId: string | null;
  /** Reads every byte of a tree that lies here, whatever its record says. */
  readonly readsAll?: boolean;
  /** Paths of the release that are links into what outlives it. */
  readonly shared: readonly string[];
  /** Delta packs to the same artifact, from any base. */
  readonly deltas: readonly Pack[];
  /** As `applyDelta` takes it; false where it is not given. */
  readonly linkFiles?: boolean;
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

async function treeIsWhole(options: FetchOptions): Promise<boolean> {
  const { folder, pack, shared, readsAll = false, logger } = options;
  const { artifactId } = pack;
  try {
    await cleanAndVerify({ folder, artifactId, shared }, () => readFileList(options, artifactId), readsAll);
    return true;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    logger.warn('agent.kept_release_changed', { path: folder.release(artifactId), reason: error.message });
    return false;
  }
}

/** The tree that was made in `fresh` becomes the release's, and is remembered as whole. */
async function place({ folder, pack, shared }: FetchOptions, fresh: string, links: LinkedFiles): Promise<void> {
  const { artifactId } = pack;
  await replaceTree(fresh, folder.release(artifactId));
  await syncFolder(folder.releases);
  await recordTree({ folder, artifactId, shared }, links);
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
async function fetchByDelta(
  options: FetchOptions,
  fresh: string,
  links: LinkedFiles,
): Promise<FetchedRelease | BytesBySource> {
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
      linkFiles: options.linkFiles ?? false,
      links,
      signal,
      onProgress: progress => onProgress({ phase: 'verifying', progress, bytes: all }),
    });
    return { bytes: all, pack: delta };
  } catch (error) {
    signal.throwIfAborted();
    options.fetching.throwIfAborted();
    // The full pack would need more room still. Whatever else it is, the full pack does not depend on it.
    if (error instanceof DomainError && error.code === 'agent.disk_full') throw error;
    logger.warn('agent.delta_left', { digest: delta.digest, reason: messageOf(error) });
    await dropPack({ ...options, pack: delta });
    const message = `The whole release is fetched, since its delta could not be used: ${messageOf(error)}`;
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
  const { folder, pack, runningArtifactId, onProgress, signal } = options;
  const { artifactId } = pack;
  const reused = { bytes: { ...nothing, reuse: pack.sizeBytes }, pack };
  if (artifactId === runningArtifactId) return reused;
  onProgress({ phase: 'fetching', progress: 0, bytes: nothing });
  const target = folder.release(artifactId);
  const isThere = (await stat(target).catch(() => null)) !== null;
  if (isThere && (await treeIsWhole(options))) return reused;
  const fresh = `${target}.tmp-${randomUUID()}`;
  const links = new LinkedFiles();
  const byDelta = await fetchByDelta(options, fresh, links);
  if ('pack' in byDelta) {
    await place(options, fresh, links);
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
  await place(options, fresh, links);
  return { bytes, pack };
}
