/** Owns making a full pack of a tree: one streaming pass from files to digest, pack and torrent pieces. */
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { artifactIdOf, encodeSortedFileList } from './file-list.ts';
import { planFrames } from './frame-plan.ts';
import type { FrameSlot } from './frame-slot.ts';
import { FrameThreads, threadCount } from './frame-threads.ts';
import type { LaneDigests } from './hash-lanes.ts';
import { type PackChecksums, PackFile, pieceLengthFor } from './pack-file.ts';
import { type PackScan, scanInThread } from './pack-scan.ts';
import type { PackDone, PackTask } from './pack-thread.ts';
import { PackingList } from './packing-list.ts';
import { encodeSeekTable, frameBytes, type SeekFrame } from './seek-table.ts';
import { openStreamHash, type StreamHash } from './stream-hash.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

export interface PackTreeOptions {
  readonly root: string;
  /** Paths or globs relative to `root`; `.` takes the whole tree. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly outFile: string;
  /** Threads that read and compress; one for each core where it is not given. The bytes do not depend on it. */
  readonly threads?: number;
  /** Whether to take the pack's MD5 too; not unless a store wants it. */
  readonly md5?: boolean;
  readonly signal?: AbortSignal;
  /** In bytes of the tree; called about once for every MiB. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

export interface PackedTree {
  readonly artifactId: string;
  readonly fileCount: number;
  /** The canonical file list, as it is stored; `decodeFileList` reads it. */
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
  readonly #threads: FrameThreads<PackTask, PackDone>;
  readonly #frames: SeekFrame[] = [];
  /** Given by `run`, which is when the threads have something to do. */
  #work: {
    readonly list: PackingList;
    readonly file: PackFile;
    readonly progress: ProgressMeter;
    /** Of the files that lie in several frames. */
    readonly contentHash: StreamHash<LaneDigests['content']>;
  } | null = null;

  /** Starts the threads, which takes as long as to look through a small tree. */
  constructor(options: PackTreeOptions) {
    this.#options = options;
    this.#threads = new FrameThreads({
      thread: 'pack-thread',
      threads: threadCount(options.threads),
      take: (done, slot, { contentBytes }) => this.#takeFrame(done, slot, contentBytes),
    });
  }

  /** Reads the tree into `file`, and each file's digest into the list. */
  async run({ root, list: memory }: PackScan, file: PackFile): Promise<PackingList> {
    const list = new PackingList(memory);
    const { bytes, largest } = measure(list);
    const progress = new ProgressMeter(bytes, this.#options.onProgress);
    const contentHash = openStreamHash('content', largest > frameBytes ? bytes : 0);
    this.#work = { list, file, progress, contentHash };
    for (const range of planFrames(list.count, index => list.tarBytesOf(index))) {
      this.#options.signal?.throwIfAborted();
      const { contentBytes } = range;
      this.#threads.submit(await this.#threads.acquire(), { contentBytes, files: { root, list: memory, range } });
    }
    await this.#threads.finish();
    await file.write(encodeSeekTable(this.#frames));
    progress.finish();
    return list;
  }

  async #takeFrame(done: PackDone, slot: FrameSlot, contentBytes: number): Promise<void> {
    const { compressedBytes, crc32c } = done;
    if (this.#work === null) throw new Error('A frame was packed before there was a file for it.');
    const { file, progress } = this.#work;
    this.#frames.push({ compressedBytes, contentBytes });
    const work = [
      file.write(slot.compressed.subarray(0, compressedBytes), crc32c).catch(error => {
        throw unwritable(error, this.#options.outFile);
      }),
      this.#hashSplits(done, slot),
    ];
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
    progress.advance(done.fileBytes);
  }

  async #hashSplits({ splits }: PackDone, slot: FrameSlot): Promise<void> {
    if (this.#work === null) return;
    const { contentHash, list } = this.#work;
    for (const { part, offset, lengthBytes, endsContent } of splits) {
      await contentHash.update(slot.content.subarray(offset, offset + lengthBytes));
      if (endsContent) list.setDigest(part, Buffer.from((await contentHash.digest()).sha256, 'hex'));
    }
  }

  /** May be repeated. */
  async close(): Promise<void> {
    await this.#threads.close();
    await this.#work?.contentHash.close();
  }
}

function measure(list: PackingList): { readonly bytes: number; readonly largest: number; readonly files: number } {
  let [bytes, largest, files] = [0, 0, 0];
  for (let index = 0; index < list.count; index += 1) {
    if (!list.isFile(index)) continue;
    files += 1;
    bytes += list.sizeBytesOf(index);
    largest = Math.max(largest, list.tarBytesOf(index));
  }
  return { bytes, largest, files };
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
 * `.slipway` are never packed. Memory: 8 MiB, zstd's own and an isolate of V8 for each thread, an isolate for each of up to three that
 * hash, and about 350 bytes for each file, whatever its size: shared by the threads, and its line of the file list. May be repeated.
 *
 * Throws `artifact.empty`, `artifact.unsafe_path`, `artifact.unsupported_file`, `artifact.too_large`, `input.invalid` (a
 * pattern), `conflict` (a file changed while it was read), `not_found` (no such tree), `store.full`, `data.unwritable`, and the
 * signal's reason.
 */
export async function packTree(options: PackTreeOptions): Promise<PackedTree> {
  options.signal?.throwIfAborted();
  const packer = new TreePacker(options);
  let file: PackFile | null = null;
  try {
    const scan = await scanInThread(options, options.signal);
    const { bytes: treeSizeBytes, files: fileCount } = measure(new PackingList(scan.list));
    const pieceLengthBytes = pieceLengthFor(treeSizeBytes);
    const { outFile, md5 = false } = options;
    file = await PackFile.create(outFile, { pieceLengthBytes, expectedBytes: treeSizeBytes, md5 });
    const list = await packer.run(scan, file);
    // The threads' memory is free before that of the list is taken.
    await packer.close();
    const fileList = await encodeSortedFileList(list.listed(), list.listedBytes);
    options.signal?.throwIfAborted();
    const finished = await file.finish();
    return {
      artifactId: artifactIdOf(fileList),
      fileCount,
      fileList,
      ...finished,
      treeSizeBytes,
      pieceLengthBytes,
      unmatchedIncludes: scan.unmatchedIncludes,
    };
  } catch (error) {
    throw unwritable(error, options.outFile);
  } finally {
    await packer.close();
    await file?.discard();
  }
}
