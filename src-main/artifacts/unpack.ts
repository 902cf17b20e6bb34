/** Owns turning a full pack back into the tree that its file list names, and into nothing else. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { syncFolder, writeAll } from './pack-file.ts';
import { PackReader } from './pack-reader.ts';
import { assertSafeEntries, comparePaths } from './safe-path.ts';
import {
  describeTarHeader,
  tarBlockBytes,
  tarEndBytes,
  tarEntryBytes,
  tarHeader,
  tarPaddingBytes,
} from './tar-header.ts';
import { targetError } from './target-errors.ts';
import { Tasks } from './tasks.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

export { verifyTree } from './verify-tree.ts';

export interface UnpackOptions {
  readonly packFile: string;
  /** From `decodeFileList`, so that the artifact id vouches for them. */
  readonly entries: readonly FileEntry[];
  /** Must not exist yet; folders above it are made where they are missing. */
  readonly targetDir: string;
  readonly signal?: AbortSignal;
  /** In bytes of the tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

type ListedFile = Extract<FileEntry, { kind: 'file' }>;

/** Files and folders on their way to the disk at the same time; a journaling file system commits them together. */
const concurrentWrites = 16;
/** Files up to this size are written beside one another, so that a tree of small files does not wait for each system call. */
const smallFileBytes = 1024 * 1024;

/** Fails where anything is at the path already, a link included. The last flag is absent on Windows. */
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

class TreeUnpacker {
  readonly #options: UnpackOptions;
  readonly #entries: readonly FileEntry[];
  readonly #pack: PackReader;
  readonly #writes = new Tasks(concurrentWrites);
  /** Absolute, in the order in which they were made. */
  readonly #folders: string[] = [];
  readonly #madeFolders = new Set<string>();
  readonly #progress: ProgressMeter;

  constructor(options: UnpackOptions, entries: readonly FileEntry[], pack: PackReader) {
    this.#options = options;
    this.#entries = entries;
    this.#pack = pack;
    const bytesTotal = entries.reduce((total, entry) => total + (entry.kind === 'file' ? entry.sizeBytes : 0), 0);
    this.#progress = new ProgressMeter(bytesTotal, options.onProgress);
  }

  #malformed(reason: string, details: Record<string, unknown> = {}): DomainError {
    return new DomainError(
      'artifact.malformed',
      `The pack ${this.#options.packFile} ${reason}. Fetch it again, or build the revision again.`,
      { path: this.#options.packFile, ...details },
    );
  }

  /** Refuses a pack that would grow beyond its list before a byte is written. */
  assertSize(): void {
    const expected = this.#entries.reduce((total, entry) => total + tarEntryBytes(entry), tarEndBytes);
    if (this.#pack.tarBytes !== expected) {
      throw this.#malformed('does not hold exactly what the file list names', {
        expected,
        actual: this.#pack.tarBytes,
      });
    }
  }

  async run(): Promise<void> {
    try {
      for (const entry of this.#entries) {
        this.#options.signal?.throwIfAborted();
        await this.#expectHeader(entry);
        if (entry.kind === 'directory') await this.#makeFolder(entry.path);
        if (entry.kind === 'file') await this.#writeFile(entry);
      }
      await this.#expectZeros(tarEndBytes);
      await this.#writes.finish();
    } finally {
      await this.#writes.settle();
    }
    await this.#makeLinks();
    for (const folder of this.#folders) await this.#writes.add(() => syncFolder(folder));
    await this.#writes.finish();
    this.#options.signal?.throwIfAborted();
    this.#progress.finish();
  }

  /** The pack is a function of the list, so a header is compared and never interpreted: there is nothing to trick. */
  async #expectHeader(entry: FileEntry): Promise<void> {
    const expected = tarHeader(entry);
    const actual = await this.#pack.readExactly(expected.length);
    if (Buffer.compare(actual, expected) === 0) return;
    const found = describeTarHeader(actual.subarray(0, tarBlockBytes));
    const reason = `does not hold ${JSON.stringify(entry.path)} where the file list names it (its header says ${found})`;
    throw this.#malformed(reason, { expected: entry.path, found });
  }

  async #expectZeros(length: number): Promise<void> {
    const bytes = await this.#pack.readExactly(length);
    if (bytes.some(byte => byte !== 0)) throw this.#malformed('has data between or after its files');
  }

  async #makeFolder(relative: string): Promise<void> {
    if (relative === '.' || this.#madeFolders.has(relative)) return;
    await this.#makeFolder(path.posix.dirname(relative));
    const absolute = path.join(this.#options.targetDir, relative);
    await mkdir(absolute);
    await chmod(absolute, 0o755);
    this.#madeFolders.add(relative);
    this.#folders.push(absolute);
  }

  async #writeFile(file: ListedFile): Promise<void> {
    await this.#makeFolder(path.posix.dirname(file.path));
    if (file.sizeBytes > smallFileBytes) {
      await this.#create(file, handle => this.#copyContent(file, handle));
      return;
    }
    const content = await this.#pack.readExactly(file.sizeBytes);
    await this.#expectZeros(tarPaddingBytes(file.sizeBytes));
    this.#assertDigest(file, createHash('sha256').update(content).digest('hex'));
    this.#progress.advance(content.length);
    await this.#writes.add(() => this.#create(file, handle => writeAll(handle, content)));
  }

  async #create(file: ListedFile, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
    const mode = file.executable ? 0o755 : 0o644;
    const handle = await open(path.join(this.#options.targetDir, file.path), createFlags, mode);
    try {
      await fill(handle);
      // The mode at opening is cut by the umask.
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #copyContent(file: ListedFile, handle: FileHandle): Promise<void> {
    const hash = createHash('sha256');
    for (let done = 0; done < file.sizeBytes; ) {
      this.#options.signal?.throwIfAborted();
      const bytes = await this.#pack.readSome(file.sizeBytes - done);
      hash.update(bytes);
      await writeAll(handle, bytes);
      done += bytes.length;
      this.#progress.advance(bytes.length);
    }
    await this.#expectZeros(tarPaddingBytes(file.sizeBytes));
    this.#assertDigest(file, hash.digest('hex'));
  }

  #assertDigest(file: ListedFile, actual: string): void {
    if (actual === file.sha256) return;
    throw new DomainError(
      'artifact.digest_mismatch',
      `The file ${JSON.stringify(file.path)} in the pack ${this.#options.packFile} was damaged: its digest is not the one of the file list. The pack will be fetched again.`,
      { path: file.path, expected: file.sha256, actual },
    );
  }

  /** After all files, so that nothing is ever written through a link. */
  async #makeLinks(): Promise<void> {
    for (const entry of this.#entries) {
      if (entry.kind !== 'link') continue;
      await this.#makeFolder(path.posix.dirname(entry.path));
      await symlink(entry.target, path.join(this.#options.targetDir, entry.path));
    }
  }
}

async function makeTarget(targetDir: string): Promise<void> {
  await mkdir(path.dirname(targetDir), { recursive: true });
  try {
    await mkdir(targetDir);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const message = `${targetDir} is there already; a pack is only unpacked to a new folder. Remove it, or choose another.`;
    throw new DomainError('conflict', message, { path: targetDir }, { cause: error });
  }
}

/**
 * Unpacks exactly what `entries` names into the new folder `targetDir`, with each file's SHA-256 checked while it is written.
 * On return files, links and folders are on the disk, not only in its cache. On failure or abort `targetDir` is removed.
 * Memory: about 40 MiB, whatever the pack. The pack's own digest is not checked here.
 *
 * Throws `artifact.malformed` (the pack holds anything else, or is damaged), `artifact.digest_mismatch`, `artifact.unsafe_path`,
 * `artifact.too_large`, `conflict` (`targetDir` exists), `not_found` (no pack), `agent.disk_full`, `data.unwritable`, and the
 * signal's reason.
 */
export async function unpackPack(options: UnpackOptions): Promise<void> {
  assertSafeEntries(options.entries);
  const entries = options.entries.toSorted((a, b) => comparePaths(a.path, b.path));
  const pack = await PackReader.open(options.packFile);
  try {
    const unpacker = new TreeUnpacker(options, entries, pack);
    unpacker.assertSize();
    await makeTarget(options.targetDir);
    try {
      await chmod(options.targetDir, 0o755);
      await unpacker.run();
      await syncFolder(options.targetDir);
      await syncFolder(path.dirname(options.targetDir));
    } catch (error) {
      await rm(options.targetDir, { recursive: true, force: true });
      throw error;
    }
  } catch (error) {
    throw targetError(error, options.targetDir);
  } finally {
    await pack.close();
  }
}
