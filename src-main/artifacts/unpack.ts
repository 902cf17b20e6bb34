/** Owns turning a full pack back into the tree that its file list names, and into nothing else. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { chmod, lstat, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { dealFrames, type FramePart, layOut, tarBytesOf } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { FrameThreads, threadCount } from './frame-threads.ts';
import type { LaneDigests } from './hash-lanes.ts';
import { syncFolder } from './pack-file.ts';
import { damagedFile, malformedPack, readFrameSizes } from './pack-reader.ts';
import { assertSafeEntries, comparePaths } from './safe-path.ts';
import { frameBytes, type SeekFrame } from './seek-table.ts';
import { openStreamHash, type StreamHash } from './stream-hash.ts';
import { syncTree } from './sync-tree.ts';
import { tarEntryBytes } from './tar-header.ts';
import { targetError } from './target-errors.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';
import type { UnpackDone, UnpackSettings, UnpackTask } from './unpack-thread.ts';

const folderMode = 0o755;

export { verifyTree } from './verify-tree.ts';

export interface UnpackOptions {
  readonly packFile: string;
  /** From `decodeFileList`, so that the artifact id vouches for them. */
  readonly entries: readonly FileEntry[];
  /** Must not exist yet; folders above it are made where they are missing. */
  readonly targetDir: string;
  /** Threads that decompress and write; one for each core where it is not given. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** In bytes of the tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

class TreeUnpacker {
  readonly #options: UnpackOptions;
  readonly #entries: readonly FileEntry[];
  readonly #frames: readonly SeekFrame[];
  readonly #threads: FrameThreads<UnpackTask, UnpackDone>;
  /** Of the files that lie in several frames. */
  readonly #contentHash: StreamHash<LaneDigests['content']>;
  readonly #madeFolders = new Set<string>();
  readonly #setsModes: boolean;
  readonly #progress: ProgressMeter;

  constructor(options: UnpackOptions, entries: readonly FileEntry[], frames: readonly SeekFrame[], setsModes: boolean) {
    this.#options = options;
    this.#entries = entries;
    this.#frames = frames;
    this.#setsModes = setsModes;
    const bytesTotal = entries.reduce((total, entry) => total + (entry.kind === 'file' ? entry.sizeBytes : 0), 0);
    this.#progress = new ProgressMeter(bytesTotal, options.onProgress);
    const { packFile, targetDir } = options;
    const workerData: UnpackSettings = { packFile, targetDir, setsModes };
    this.#threads = new FrameThreads({
      thread: 'unpack-thread',
      threads: threadCount(options.threads, frames.length),
      workerData,
      take: (done, slot, task) => this.#takeFrame(done, slot, task),
    });
    const largest = entries.reduce((most, entry) => Math.max(most, tarEntryBytes(entry)), 0);
    this.#contentHash = openStreamHash('content', largest > frameBytes ? bytesTotal : 0);
  }

  async run(): Promise<void> {
    let frame = 0;
    let position = 0;
    for (const plan of dealFrames(
      this.#entries,
      this.#frames.map(({ contentBytes }) => contentBytes),
    )) {
      this.#options.signal?.throwIfAborted();
      const compressedBytes = this.#frames[frame]?.compressedBytes ?? 0;
      const slot = await this.#threads.acquire();
      for (const part of plan.parts) this.#prepare(part);
      this.#threads.submit(slot, { ...plan, position, compressedBytes });
      position += compressedBytes;
      frame += 1;
    }
    await this.#threads.finish();
    await this.#makeLinks();
    this.#options.signal?.throwIfAborted();
    this.#progress.finish();
  }

  /** Makes what must be there before a thread writes: folders, and the files that several frames write to. */
  #prepare(part: FramePart<FileEntry>): void {
    const { entry } = part;
    if (entry === null || entry.kind === 'link') return;
    this.#makeFolder(entry.kind === 'directory' ? entry.path : path.posix.dirname(entry.path));
    if (entry.kind === 'directory') return;
    if (part.from === 0 && part.to === tarEntryBytes(entry)) return;
    const { isWhole, contentBytes, filePosition } = layOut(part);
    if (isWhole || contentBytes === 0 || filePosition > 0) return;
    closeSync(openSync(path.join(this.#options.targetDir, entry.path), 'wx', entry.executable ? 0o755 : 0o644));
  }

  async #takeFrame({ fileBytes, splits }: UnpackDone, slot: FrameSlot, { parts }: UnpackTask): Promise<void> {
    for (const { part, offset, lengthBytes, endsContent } of splits) {
      await this.#contentHash.update(slot.content.subarray(offset, offset + lengthBytes));
      if (!endsContent) continue;
      const file = parts[part]?.entry;
      const { sha256 } = await this.#contentHash.digest();
      if (file?.kind === 'file' && file.sha256 !== sha256) throw damagedFile(this.#options.packFile, file);
    }
    this.#progress.advance(fileBytes);
  }

  #makeFolder(relative: string): void {
    if (relative === '.' || this.#madeFolders.has(relative)) return;
    this.#makeFolder(path.posix.dirname(relative));
    const absolute = path.join(this.#options.targetDir, relative);
    mkdirSync(absolute, folderMode);
    if (this.#setsModes) chmodSync(absolute, folderMode);
    this.#madeFolders.add(relative);
  }

  /** After all files, so that nothing is ever written through a link. */
  async #makeLinks(): Promise<void> {
    for (const entry of this.#entries) {
      if (entry.kind !== 'link') continue;
      this.#makeFolder(path.posix.dirname(entry.path));
      await symlink(entry.target, path.join(this.#options.targetDir, entry.path));
    }
  }

  /** May be repeated. */
  async close(): Promise<void> {
    await this.#threads.close();
    await this.#contentHash.close();
  }
}

/** Refuses a pack that would grow beyond its list before a byte is written. */
function assertSize(packFile: string, entries: readonly FileEntry[], frames: readonly SeekFrame[]): void {
  const expected = tarBytesOf(entries);
  const actual = frames.reduce((total, { contentBytes }) => total + contentBytes, 0);
  if (actual === expected) return;
  throw malformedPack(packFile, 'does not hold exactly what the file list names', undefined, { expected, actual });
}

/** Whether the umask cuts the modes of what is made there. */
async function makeTarget(targetDir: string): Promise<boolean> {
  await mkdir(path.dirname(targetDir), { recursive: true });
  try {
    await mkdir(targetDir, folderMode);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const message = `${targetDir} is there already; a pack is only unpacked to a new folder. Remove it, or choose another.`;
    throw new DomainError('conflict', message, { path: targetDir }, { cause: error });
  }
  const isCut = ((await lstat(targetDir)).mode & 0o777) !== folderMode;
  if (isCut) await chmod(targetDir, folderMode);
  return isCut && process.platform !== 'win32';
}

/**
 * Unpacks exactly what `entries` names into the new folder `targetDir`, with each file's SHA-256 checked while it is written.
 * On return files, links and folders are on the disk, not only in its cache. On failure or abort `targetDir` is removed.
 * Memory: 20 MiB and zstd's own for each thread, 20 MiB more, whatever the pack. The pack's own digest is not checked here.
 *
 * Throws `artifact.malformed` (the pack holds anything else, or is damaged), `artifact.digest_mismatch`, `artifact.unsafe_path`,
 * `artifact.too_large`, `conflict` (`targetDir` exists), `not_found` (no pack), `agent.disk_full`, `data.unwritable`, and the
 * signal's reason.
 */
export async function unpackPack(options: UnpackOptions): Promise<void> {
  assertSafeEntries(options.entries);
  const entries = options.entries.toSorted((a, b) => comparePaths(a.path, b.path));
  const { packFile, targetDir } = options;
  try {
    const frames = await readFrameSizes(packFile);
    assertSize(packFile, entries, frames);
    const setsModes = await makeTarget(targetDir);
    try {
      await unpackInto(options, entries, frames, setsModes);
    } catch (error) {
      await rm(targetDir, { recursive: true, force: true });
      throw error;
    }
  } catch (error) {
    throw targetError(error, targetDir);
  }
}

async function unpackInto(
  options: UnpackOptions,
  entries: readonly FileEntry[],
  frames: readonly SeekFrame[],
  setsModes: boolean,
): Promise<void> {
  const unpacker = new TreeUnpacker(options, entries, frames, setsModes);
  try {
    await unpacker.run();
  } finally {
    await unpacker.close();
  }
  await syncTree(options.targetDir);
  await syncFolder(path.dirname(options.targetDir));
}
