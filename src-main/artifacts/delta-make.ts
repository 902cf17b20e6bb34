/** Owns making a delta pack of two artifacts, from their file lists and what their full packs hold. Unpacks neither. */
import type { FileEntry } from '../contract/documents.ts';
import { Chunker, chunkDigest } from './delta-chunks.ts';
import type { PackContent } from './delta-content.ts';
import {
  changeBetween,
  deltaMagic,
  deltaPreambleBytes,
  encodeInstruction,
  type ListedFile,
  maximumChangeBytes,
  newContents,
} from './delta-format.ts';
import { ChunkIndex, ChunkList, type ContentChunks, isLarge, type Signature, signContents } from './delta-signature.ts';
import { FrameFiller } from './frame-filler.ts';
import { FrameThreads, threadCount } from './frame-threads.ts';
import { type PackChecksums, PackFile, pieceLengthFor } from './pack-file.ts';
import type { PackDone, PackTask } from './pack-thread.ts';
import { encodeSeekTable, frameBytes, type SeekFrame } from './seek-table.ts';
import { ProgressMeter, type TreeProgress } from './tree-progress.ts';

export interface PackedArtifactContent {
  readonly artifactId: string;
  /** In the order of the canonical list, as `decodeFileList` gives them. */
  readonly entries: readonly FileEntry[];
  readonly content: PackContent;
}

export interface MakeDeltaOptions {
  readonly base: PackedArtifactContent;
  readonly target: PackedArtifactContent;
  /** Chunks of the base, from an earlier time; read from its pack where this is null and a large file is new. */
  readonly baseSignature: Signature | null;
  readonly outFile: string;
  /** A delta that grows beyond this is given up. */
  readonly maximumBytes: number;
  /** Compression threads; one for each core where it is not given. The bytes do not depend on it. */
  readonly threads?: number;
  /** Whether to take the delta's MD5 too. */
  readonly md5?: boolean;
  readonly signal?: AbortSignal;
  /** In bytes of new content. */
  readonly onProgress?: (progress: TreeProgress) => void;
}

export interface MadeDelta {
  /** SHA-256 of the delta pack, in hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly pieceLengthBytes: number;
  readonly pieces: Uint8Array;
  readonly checksums: PackChecksums;
  /** Of the base and of the target, where a large file was new; else null. */
  readonly signatures: { readonly base: Signature; readonly target: Signature } | null;
}

class TooLarge extends Error {}

interface Run {
  readonly from: number;
  readonly offset: number;
  lengthBytes: number;
}

/** Writes the bodies: whole small files, and large ones as copies and literals. */
class BodyWriter {
  readonly #filler: FrameFiller;
  readonly #index: ChunkIndex;
  readonly signature = new Map<string, ContentChunks>();
  #run: Run | null = null;

  constructor(filler: FrameFiller, index: ChunkIndex) {
    this.#filler = filler;
    this.#index = index;
  }

  async write(file: ListedFile, pieces: AsyncIterable<Uint8Array>, onPiece: (bytes: number) => void): Promise<void> {
    const chunker = new Chunker();
    const list = isLarge(file) ? new ChunkList() : null;
    for await (const piece of pieces) {
      for (const chunk of chunker.push(piece)) await this.#put(chunk, list);
      onPiece(piece.length);
    }
    for (const chunk of chunker.finish()) await this.#put(chunk, list);
    await this.#endRun();
    if (list !== null) this.signature.set(file.sha256, list.finish());
  }

  async #put(chunk: Uint8Array, list: ChunkList | null): Promise<void> {
    const { length: lengthBytes } = chunk;
    const digest = list === null ? null : chunkDigest(chunk);
    if (digest !== null) list?.add(digest, lengthBytes);
    const found = digest === null ? null : this.#index.find(digest, lengthBytes);
    const run = this.#run;
    if (found !== null && run?.from === found.from && run.offset + run.lengthBytes === found.offset) {
      run.lengthBytes += lengthBytes;
      return;
    }
    await this.#endRun();
    if (found !== null) this.#run = { ...found, lengthBytes };
    else {
      await this.#filler.append(encodeInstruction({ kind: 'literal', lengthBytes }));
      await this.#filler.append(chunk);
    }
  }

  async #endRun(): Promise<void> {
    if (this.#run !== null) await this.#filler.append(encodeInstruction({ kind: 'copy', ...this.#run }));
    this.#run = null;
  }
}

function signatureOf(entries: readonly FileEntry[], ...parts: readonly Signature[]): Signature {
  const wanted = new Set(entries.filter(isLarge).map(file => file.sha256));
  return new Map(parts.flatMap(part => [...part].filter(([sha256]) => wanted.has(sha256))));
}

/**
 * Makes the delta pack that turns `base` into `target`; null where it is larger than `maximumBytes`. The pack appears at
 * `outFile` whole and durable, or not at all. Its bytes depend on the two artifacts alone. Of the target's pack the frames of
 * new files are read; of the base's all that hold large files, and only where a large file is new and `baseSignature` is null.
 * Memory: about 100 MiB, and 36 bytes for each chunk (of about 8 KiB) of the base's large files. May be repeated.
 *
 * Throws `artifact.*` (a full pack is damaged), `store.*`, and the signal's reason.
 */
export async function makeDelta(options: MakeDeltaOptions): Promise<MadeDelta | null> {
  const { base, target, outFile, maximumBytes, signal } = options;
  const change = Buffer.from(JSON.stringify(changeBetween(base, target)));
  if (change.length > maximumChangeBytes) return null;
  const files = newContents(base.entries, target.entries);
  const needsChunks = files.some(isLarge);
  const known: Signature = needsChunks
    ? (options.baseSignature ?? (await signContents(base.entries, base.content, signal)))
    : new Map();
  const bytesTotal = files.reduce((total, file) => total + file.sizeBytes, 0);
  const pieceLengthBytes = pieceLengthFor(bytesTotal);
  const progress = new ProgressMeter(bytesTotal, options.onProgress);
  const frames: SeekFrame[] = [];
  let written = 0;
  const file = await PackFile.create(outFile, {
    pieceLengthBytes,
    expectedBytes: bytesTotal,
    md5: options.md5 ?? false,
  });
  const compressor = new FrameThreads<PackTask, PackDone>({
    thread: 'pack-thread',
    threads: threadCount(options.threads, Math.ceil((bytesTotal + change.length) / frameBytes)),
    take: async ({ compressedBytes, crc32c }, slot, { contentBytes }) => {
      frames.push({ compressedBytes, contentBytes });
      written += compressedBytes;
      if (written > maximumBytes) throw new TooLarge();
      await file.write(slot.compressed.subarray(0, compressedBytes), crc32c);
    },
  });
  try {
    const filler = new FrameFiller(compressor);
    const preamble = Buffer.alloc(deltaPreambleBytes);
    deltaMagic.copy(preamble);
    preamble.writeUInt32LE(change.length, deltaMagic.length);
    await filler.append(preamble);
    await filler.append(change);
    const bodies = new BodyWriter(filler, new ChunkIndex(base.entries, known));
    for (const entry of files) {
      signal?.throwIfAborted();
      await bodies.write(entry, target.content.read(entry), bytes => {
        signal?.throwIfAborted();
        progress.advance(bytes);
      });
    }
    filler.flush();
    await compressor.finish();
    await file.write(encodeSeekTable(frames));
    signal?.throwIfAborted();
    const finished = await file.finish();
    progress.finish();
    const signatures = needsChunks
      ? { base: known, target: signatureOf(target.entries, known, bodies.signature) }
      : null;
    return { ...finished, pieceLengthBytes, signatures };
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  } finally {
    await compressor.close();
    await file.discard();
  }
}
