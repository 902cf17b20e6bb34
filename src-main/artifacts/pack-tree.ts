/** Owns making a full pack of a tree: one streaming pass from files to digest, pack and torrent pieces. */
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { artifactIdOf, encodeFileList } from './file-list.ts';
import { planFrames, type SplitContent } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { FrameThreads, threadCount } from './frame-threads.ts';
import type { LaneDigests, PackChecksums } from './hash-lanes.ts';
import { PackFile, pieceLengthFor } from './pack-file.ts';
import { scanInThread } from './pack-scan.ts';
import type { PackDone, PackTask } from './pack-thread.ts';
import type { PackableEntry } from './scan-tree.ts';
import { encodeSeekTable, frameBytes, type SeekFrame } from './seek-table.ts';
import { openStreamHash, type StreamHash } from './stream-hash.ts';
import { tarEntryBytes } from './tar-header.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

export interface PackTreeOptions {
  readonly root: string;
  /** Paths or globs relative to `root`; `.` takes the whole tree. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly outFile: string;
  /** Threads that read and compress; one for each core where it is not given. The bytes do not depend on it. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** In bytes of the tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

export interface PackedTree {
  readonly artifactId: string;
  readonly entries: FileEntry[];
  /** The canonical file list, as it is stored. */
  readonly fileList: Uint8Array;
  /** SHA-256 of the pack, in hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly treeSizeBytes: number;
  readonly pieceLengthBytes: number;
  /** SHA-1 of each piece, one after the other. Source: BEP 3. */
  readonly pieces: Uint8Array;
  readonly checksums: PackChecksums;
  /** What was included and matched nothing; often a step that did not make what it should. */
  readonly unmatchedIncludes: readonly string[];
}

class TreePacker {
  readonly #options: PackTreeOptions;
  readonly #entries: readonly PackableEntry[];
  readonly #file: PackFile;
  readonly #threads: FrameThreads<PackTask, PackDone>;
  /** Of the files that lie in several frames. */
  readonly #contentHash: StreamHash<LaneDigests['content']>;
  readonly #progress: ProgressMeter;
  readonly #frames: SeekFrame[] = [];
  readonly #listed: FileEntry[] = [];

  constructor(
    options: PackTreeOptions,
    tree: { readonly root: string; readonly entries: readonly PackableEntry[]; readonly bytes: number },
    file: PackFile,
  ) {
    this.#options = options;
    this.#entries = tree.entries;
    this.#file = file;
    this.#progress = new ProgressMeter(tree.bytes, options.onProgress);
    this.#threads = new FrameThreads({
      thread: 'pack-thread',
      threads: threadCount(options.threads, Math.ceil(tree.bytes / frameBytes)),
      workerData: { root: tree.root },
      take: (done, slot, task) => this.#takeFrame(done, slot, task),
    });
    const largest = tree.entries.reduce((most, entry) => Math.max(most, tarEntryBytes(entry)), 0);
    this.#contentHash = openStreamHash('content', largest > frameBytes ? tree.bytes : 0);
  }

  /** The files as they were read. */
  async run(): Promise<FileEntry[]> {
    for (const frame of planFrames(this.#entries)) {
      this.#options.signal?.throwIfAborted();
      this.#threads.submit(await this.#threads.acquire(), frame);
    }
    await this.#threads.finish();
    await this.#file.write(encodeSeekTable(this.#frames));
    this.#progress.finish();
    return this.#listed;
  }

  async #takeFrame(done: PackDone, slot: FrameSlot, { contentBytes, parts }: PackTask): Promise<void> {
    this.#frames.push({ compressedBytes: done.compressedBytes, contentBytes });
    const work = [
      this.#file.write(slot.compressed.subarray(0, done.compressedBytes)).catch(error => {
        throw unwritable(error, this.#options.outFile);
      }),
      this.#list(parts ?? [], done, slot),
    ];
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
    this.#progress.advance(done.fileBytes);
  }

  async #list(parts: NonNullable<PackTask['parts']>, { digests, splits }: PackDone, slot: FrameSlot): Promise<void> {
    for (const [index, { entry, to }] of parts.entries()) {
      if (entry === null) continue;
      if (entry.kind !== 'file') {
        if (to === tarEntryBytes(entry)) this.#listed.push(entry);
        continue;
      }
      const sha256 =
        digests[index] ??
        (await this.#hashSplit(
          splits.find(({ part }) => part === index),
          slot,
        ));
      if (sha256 === null) continue;
      const { kind, path, executable, sizeBytes } = entry;
      this.#listed.push({ kind, path, executable, sizeBytes, sha256 });
    }
  }

  /** The file's digest, where its content ends here. */
  async #hashSplit(split: SplitContent | undefined, slot: FrameSlot): Promise<string | null> {
    if (split === undefined) return null;
    await this.#contentHash.update(slot.content.subarray(split.offset, split.offset + split.lengthBytes));
    return split.endsContent ? (await this.#contentHash.digest()).sha256 : null;
  }

  /** May be repeated. */
  async close(): Promise<void> {
    await this.#threads.close();
    await this.#contentHash.close();
  }
}

function unwritable(error: unknown, outFile: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: the pack ${outFile} could not be written. Free some space; the build is tried again.`;
    return new DomainError('store.full', message, { path: outFile }, { cause: error });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    const message = `The pack ${outFile} cannot be written (${code}). Give the user that Slipway runs as the right to write there.`;
    return new DomainError('data.unwritable', message, { path: outFile }, { cause: error });
  }
  return error;
}

/**
 * Packs what the patterns name of a tree into `outFile`, a `.tar.zst` whose bytes depend on the tree alone.
 *
 * The pack appears under its name whole and durable, or not at all; no trace is left by a failure or an abort. `.git` and
 * `.slipway` are never packed. Memory: 8 MiB, zstd's own and an
 * isolate of V8 for each thread, as much for three that hash, and about 1 KiB for each file, whatever its size. May be repeated.
 *
 * Throws `artifact.empty`, `artifact.unsafe_path`, `artifact.unsupported_file`, `artifact.too_large`, `input.invalid` (a
 * pattern), `conflict` (a file changed while it was read), `not_found` (no such tree), `store.full`, `data.unwritable`, and the
 * signal's reason.
 */
export async function packTree(options: PackTreeOptions): Promise<PackedTree> {
  const { root, entries, unmatchedIncludes } = await scanInThread(options, options.signal);
  const treeSizeBytes = entries.reduce((total, entry) => total + (entry.kind === 'file' ? entry.sizeBytes : 0), 0);
  const pieceLengthBytes = pieceLengthFor(treeSizeBytes);
  const file = await PackFile.create(options.outFile, { pieceLengthBytes, expectedBytes: treeSizeBytes }).catch(
    error => {
      throw unwritable(error, options.outFile);
    },
  );
  const packer = new TreePacker(options, { root, entries, bytes: treeSizeBytes }, file);
  try {
    const listed = await packer.run();
    const fileList = encodeFileList(listed);
    options.signal?.throwIfAborted();
    const finished = await file.finish();
    return {
      artifactId: artifactIdOf(fileList),
      entries: listed,
      fileList,
      ...finished,
      treeSizeBytes,
      pieceLengthBytes,
      unmatchedIncludes,
    };
  } catch (error) {
    throw unwritable(error, options.outFile);
  } finally {
    await packer.close();
    await file.discard();
  }
}
