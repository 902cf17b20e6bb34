/** Owns turning a release on disk and a delta pack into the next release. Trusts neither of the two, and changes neither. */
import { createHash } from 'node:crypto';
import { chmod, type FileHandle, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { ContentDigests } from './content-digests.ts';
import { minimumChunkBytes } from './delta-chunks.ts';
import { createFile, openBaseFile, placeFile, readBase } from './delta-files.ts';
import {
  applyChange,
  baseFile,
  contentsOf,
  type DeltaChange,
  deltaChangeSchema,
  deltaMagic,
  deltaPreambleBytes,
  encodeInstruction,
  type ListedFile,
  malformedDelta,
  maximumChangeBytes,
  newContents,
  readInstruction,
} from './delta-format.ts';
import { syncFolder, writeAll } from './pack-file.ts';
import { PackReader } from './pack-reader.ts';
import type { ScannedFileEntry } from './scan-tree.ts';
import { syncTree } from './sync-tree.ts';
import { targetError } from './target-errors.ts';
import { Tasks } from './tasks.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

/** Files on their way at the same time; more only compete for the disk. */
const concurrentWrites = 16;
/** Files that take no reading, until others of the event loop have their turn: some milliseconds' work. */
const filesAtATime = 100;
const copyBufferBytes = 1024 * 1024;
const instructionBytes = encodeInstruction({ kind: 'copy', from: 0, offset: 0, lengthBytes: 0 }).length;

export interface ApplyDeltaOptions {
  readonly packFile: string;
  readonly base: {
    readonly artifactId: string;
    /** From `decodeFileList`. */
    readonly entries: readonly FileEntry[];
    /** Where it lies unpacked. Whatever was changed in it is noticed. */
    readonly folder: string;
    /**
     * Whether the file system says of a file of it what it said when the file's bytes were checked; such a file is not read again. Without
     * this every file is.
     */
    readonly vouchesFor?: (file: ScannedFileEntry) => boolean;
  };
  /** What the delta should lead to. */
  readonly artifactId: string;
  /** Must not exist yet. */
  readonly targetDir: string;
  /**
   * Whether what the base has is linked instead of copied, which moves no byte where the file system makes no clones. It is one
   * file in both releases then, so it loses every right to write; root still can. Only for programs that never write to their own files:
   * what is written to a file is in the release before as well, which then is fetched again before it runs. False where it is not given.
   */
  readonly linkFiles?: boolean;
  /** Told of each file of the base that was linked, as the file system told of it before and tells of it since. */
  readonly onLinked?: (before: ScannedFileEntry, after: ScannedFileEntry) => void;
  readonly signal?: AbortSignal;
  /** In bytes of the new tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

export interface AppliedDelta {
  readonly entries: readonly FileEntry[];
  /** The canonical file list of the new artifact. */
  readonly fileList: Uint8Array;
}

/** Reads a delta pack front to back, and knows how far it is. */
class DeltaReader {
  readonly #pack: PackReader;
  #consumedBytes = 0;

  constructor(pack: PackReader) {
    this.#pack = pack;
  }

  readonly read = async (lengthBytes: number): Promise<Uint8Array> => {
    this.#consumedBytes += lengthBytes;
    if (this.#consumedBytes > this.#pack.tarBytes) throw malformedDelta('is cut short');
    return this.#pack.readExactly(lengthBytes);
  };

  /** Refuses a pack that goes on after what it should hold, or never ends. */
  assertAtMost(moreBytes: number): void {
    if (this.#pack.tarBytes - this.#consumedBytes > moreBytes) throw malformedDelta('holds more than it should');
  }

  async readChange(): Promise<DeltaChange> {
    const preamble = Buffer.from(await this.read(deltaPreambleBytes));
    if (!preamble.subarray(0, deltaMagic.length).equals(deltaMagic)) {
      throw malformedDelta('is not one, or of a version that is not known here');
    }
    const lengthBytes = preamble.readUInt32LE(deltaMagic.length);
    if (lengthBytes > maximumChangeBytes) throw malformedDelta('changes more than a list can have');
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await this.read(lengthBytes));
      return deltaChangeSchema.parse(JSON.parse(text));
    } catch (error) {
      if (error instanceof DomainError) throw error;
      throw malformedDelta('does not say what changes in a form that this version knows');
    }
  }
}

class DeltaTree {
  readonly #options: ApplyDeltaOptions;
  readonly #entries: readonly FileEntry[];
  readonly #reader: DeltaReader;
  readonly #tasks = new Tasks(concurrentWrites);
  readonly #progress: ProgressMeter;
  readonly #folders: string[];
  readonly #digests: ContentDigests;
  /** The file of the base that was copied from last. */
  #open: { readonly index: number; readonly handle: FileHandle } | null = null;
  readonly #buffer = Buffer.allocUnsafe(copyBufferBytes);

  constructor(options: ApplyDeltaOptions, entries: readonly FileEntry[], reader: DeltaReader) {
    this.#options = options;
    this.#entries = entries;
    this.#reader = reader;
    const bytesTotal = entries.reduce((total, entry) => total + (entry.kind === 'file' ? entry.sizeBytes : 0), 0);
    this.#progress = new ProgressMeter(bytesTotal, options.onProgress);
    const folders = new Set<string>();
    for (const entry of entries) {
      if (entry.kind === 'directory') folders.add(entry.path);
      for (let folder = path.posix.dirname(entry.path); folder !== '.'; folder = path.posix.dirname(folder)) {
        if (folders.has(folder)) break;
        folders.add(folder);
      }
    }
    this.#digests = new ContentDigests(bytesTotal);
    this.#folders = [...folders].sort().map(folder => path.join(options.targetDir, folder));
  }

  async run(): Promise<void> {
    try {
      for (const folder of this.#folders) {
        await mkdir(folder, { recursive: true });
        await chmod(folder, 0o755);
      }
      const made = await this.#makeBodies();
      this.#reader.assertAtMost(0);
      await this.#placeRest(made);
      await this.#tasks.finish();
    } finally {
      await this.#tasks.settle();
      await this.#open?.handle.close();
      await this.#digests.close();
    }
    // After all files, so that nothing is ever written through a link.
    for (const entry of this.#entries) {
      if (entry.kind === 'link') await symlink(entry.target, this.#pathOf(entry));
    }
    this.#options.signal?.throwIfAborted();
    this.#progress.finish();
  }

  #pathOf(entry: Pick<FileEntry, 'path'>): string {
    return path.join(this.#options.targetDir, entry.path);
  }

  /** The files that the base does not have; returns the first of each content. */
  async #makeBodies(): Promise<ReadonlyMap<string, ListedFile>> {
    const files = newContents(this.#options.base.entries, this.#entries);
    // Before a byte is written: a literal has its own size, and each instruction makes a chunk or ends a file.
    const mostBytes = files.reduce(
      (total, { sizeBytes }) => total + sizeBytes + (Math.ceil(sizeBytes / minimumChunkBytes) + 1) * instructionBytes,
      0,
    );
    this.#reader.assertAtMost(mostBytes);
    for (const file of files) {
      await createFile(this.#pathOf(file), file.executable, handle => this.#makeBody(file, handle));
    }
    return new Map(files.map(file => [file.sha256, file]));
  }

  async #makeBody(file: ListedFile, handle: FileHandle): Promise<void> {
    const { base, signal } = this.#options;
    const hash = createHash('sha256');
    const put = async (bytes: Uint8Array): Promise<void> => {
      hash.update(bytes);
      await writeAll(handle, bytes);
      this.#progress.advance(bytes.length);
    };
    for (let missing = file.sizeBytes; missing > 0; ) {
      signal?.throwIfAborted();
      const instruction = await readInstruction(this.#reader.read, missing, base.entries);
      missing -= instruction.lengthBytes;
      if (instruction.kind === 'literal') {
        await put(await this.#reader.read(instruction.lengthBytes));
        continue;
      }
      const end = instruction.offset + instruction.lengthBytes;
      for (let offset = instruction.offset; offset < end; offset += copyBufferBytes) {
        signal?.throwIfAborted();
        await put(await this.#readBase(instruction.from, offset, Math.min(copyBufferBytes, end - offset)));
      }
    }
    const actual = hash.digest('hex');
    if (actual === file.sha256) return;
    throw new DomainError(
      'artifact.digest_mismatch',
      `The delta pack makes ${JSON.stringify(file.path)} with other content than the file list names: the release that it is made against was changed. The full pack serves in its place.`,
      { path: file.path, expected: file.sha256, actual },
    );
  }

  async #readBase(index: number, offset: number, lengthBytes: number): Promise<Uint8Array> {
    const { base } = this.#options;
    const file = baseFile(base.entries, index);
    if (this.#open?.index !== index) {
      const before = this.#open;
      this.#open = null;
      await before?.handle.close();
      this.#open = { index, handle: await openBaseFile(base.folder, file) };
    }
    return readBase(this.#open.handle, file, this.#buffer, { offset, lengthBytes });
  }

  /** What the base has under this path or another, and second files of a new content. */
  async #placeRest(made: ReadonlyMap<string, ListedFile>): Promise<void> {
    const { base, targetDir, signal, linkFiles = false, onLinked = () => undefined } = this.#options;
    const inBase = contentsOf(base.entries);
    const { vouchesFor = () => false } = base;
    const before = new Map(base.entries.map((entry, index) => [entry.path, { entry, index }]));
    for (const [index, entry] of this.#entries.entries()) {
      if (index % filesAtATime === 0) await setImmediate();
      signal?.throwIfAborted();
      if (entry.kind !== 'file') continue;
      const fresh = made.get(entry.sha256);
      if (fresh?.path === entry.path) continue;
      const old = before.get(entry.path);
      const own = old?.entry.kind === 'file' && old.entry.sha256 === entry.sha256 ? old.index : undefined;
      const from = fresh ?? baseFile(base.entries, own ?? inBase.get(entry.sha256) ?? -1);
      const fromRoot = fresh === undefined ? base.folder : targetDir;
      await this.#tasks.add(async () => {
        await placeFile({
          ...{ fromRoot, from, target: this.#pathOf(entry), executable: entry.executable },
          // What is new is written by this release alone.
          ...{ link: fresh === undefined && linkFiles, vouchesFor: fresh === undefined ? vouchesFor : () => false },
          ...{ onLinked, digests: this.#digests, signal },
        });
        this.#progress.advance(entry.sizeBytes);
      });
    }
  }
}

/**
 * Makes the artifact `artifactId` in the new folder `targetDir`, of the base's files and the delta pack. The new file list is
 * certified by the artifact id before anything is written, and each file's SHA-256 is checked, unless the base vouches for it; so a base
 * that was changed, a delta of another base, or a hostile one is refused. On return all of it is on the disk. On failure or abort `targetDir` is
 * removed. Memory: about 60 MiB and the file lists.
 *
 * Throws `artifact.malformed`, `artifact.digest_mismatch`, `artifact.unsafe_path`, `artifact.too_large`, `conflict`
 * (`targetDir` exists), `not_found` (no pack), `agent.disk_full`, `data.unwritable`, and the signal's reason.
 */
export async function applyDelta(options: ApplyDeltaOptions): Promise<AppliedDelta> {
  const { targetDir, base, artifactId } = options;
  const pack = await PackReader.open(options.packFile);
  try {
    const reader = new DeltaReader(pack);
    const change = await reader.readChange();
    const list = applyChange(base, change, artifactId);
    await makeTarget(targetDir);
    try {
      await chmod(targetDir, 0o755);
      await new DeltaTree(options, list.entries, reader).run();
      await syncTree(targetDir);
      await syncFolder(path.dirname(targetDir));
    } catch (error) {
      await rm(targetDir, { recursive: true, force: true });
      throw error;
    }
    return list;
  } catch (error) {
    throw targetError(error, targetDir);
  } finally {
    await pack.close();
  }
}

async function makeTarget(targetDir: string): Promise<void> {
  try {
    await mkdir(targetDir, { recursive: false });
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const message = `${targetDir} is there already; a delta is only applied to a new folder. Remove it, or choose another.`;
    throw new DomainError('conflict', message, { path: targetDir }, { cause: error });
  }
}
