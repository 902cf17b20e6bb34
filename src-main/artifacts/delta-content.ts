/** Owns reading single files out of a full pack by its seek table, wherever the pack lies: no more than their frames is read. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdDecompress as decompress, type ZstdOptions } from 'node:zlib';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { ListedFile } from './delta-format.ts';
import { decodeSeekTable, type SeekFrame, seekTableBytes, seekTableFooterBytes } from './seek-table.ts';
import { tarEndBytes, tarEntryBytes, tarHeader } from './tar-header.ts';

const zstdDecompress = promisify<Uint8Array, ZstdOptions, Uint8Array>(decompress);
/** Frames that are decompressed together, on libuv's threads; each takes up to 8 MiB. */
const framesTogether = 3;
/** A frame's content is at most 4 MiB (2^22). */
const maximumWindowLog = 22;

/** A blob of which ranges are read. */
export interface RangeSource {
  readonly sizeBytes: number;
  read(start: number, lengthBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

function damaged(reason: string, cause?: unknown): DomainError {
  return new DomainError('artifact.malformed', `The full pack ${reason}. Build the revision again.`, {}, { cause });
}

/** A pack on this machine's disk. */
export async function openPackFile(path: string): Promise<RangeSource> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  return {
    sizeBytes: size,
    async read(start, lengthBytes) {
      const bytes = new Uint8Array(lengthBytes);
      for (let done = 0; done < lengthBytes; ) {
        const { bytesRead } = await handle.read(bytes, done, lengthBytes - done, start + done);
        if (bytesRead === 0) throw damaged('is cut short');
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

interface PlacedFrame extends SeekFrame {
  readonly position: number;
  /** Where its content begins in the tar. */
  readonly tarStart: number;
}

async function readFrames(source: RangeSource): Promise<PlacedFrame[]> {
  if (source.sizeBytes < seekTableFooterBytes) throw damaged('is cut short');
  const footer = await source.read(source.sizeBytes - seekTableFooterBytes, seekTableFooterBytes);
  const tableBytes = seekTableBytes(footer);
  if (tableBytes > source.sizeBytes) throw damaged('has a seek table that is larger than the pack');
  const table = await source.read(source.sizeBytes - tableBytes, tableBytes);
  let position = 0;
  let tarStart = 0;
  return decodeSeekTable(table, source.sizeBytes).map(frame => {
    const placed = { ...frame, position, tarStart };
    position += frame.compressedBytes;
    tarStart += frame.contentBytes;
    return placed;
  });
}

/** The files of a full pack, each read alone. Cheapest in the order of the list. Memory: about 32 MiB. */
export class PackContent {
  readonly #source: RangeSource;
  readonly #frames: readonly PlacedFrame[];
  readonly #starts: ReadonlyMap<string, number>;
  readonly #contents = new Map<number, Promise<Uint8Array>>();

  private constructor(source: RangeSource, frames: readonly PlacedFrame[], starts: ReadonlyMap<string, number>) {
    this.#source = source;
    this.#frames = frames;
    this.#starts = starts;
  }

  /** `entries` in the order of the canonical list, of which the pack is a function. Closes `source` also when it fails. Throws `artifact.malformed`. */
  static async open(source: RangeSource, entries: readonly FileEntry[]): Promise<PackContent> {
    try {
      const frames = await readFrames(source);
      const starts = new Map<string, number>();
      let at = 0;
      for (const entry of entries) {
        if (entry.kind === 'file') starts.set(entry.path, at + tarHeader(entry).length);
        at += tarEntryBytes(entry);
      }
      const last = frames.at(-1);
      if (last === undefined || last.tarStart + last.contentBytes !== at + tarEndBytes) {
        throw damaged('does not hold exactly what the file list names');
      }
      return new PackContent(source, frames, starts);
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** The content in pieces; its digest is checked when the last one was taken. Throws `artifact.digest_mismatch`, `artifact.malformed`, `store.*`. */
  async *read(file: ListedFile): AsyncGenerator<Uint8Array> {
    const start = this.#starts.get(file.path);
    if (start === undefined) throw damaged(`does not hold ${JSON.stringify(file.path)}`);
    const end = start + file.sizeBytes;
    const hash = createHash('sha256');
    let at = start;
    for (let index = this.#frameAt(start); at < end; index += 1) {
      const frame = this.#frames[index];
      if (frame === undefined) throw damaged('ends before its last file');
      const content = await this.#contentOf(index, end);
      const piece = content.subarray(at - frame.tarStart, end - frame.tarStart);
      hash.update(piece);
      yield piece;
      at += piece.length;
    }
    const actual = hash.digest('hex');
    if (actual === file.sha256) return;
    throw new DomainError(
      'artifact.digest_mismatch',
      `${JSON.stringify(file.path)} reads back damaged from the full pack in the main store. Build the revision again.`,
      { path: file.path, expected: file.sha256, actual },
    );
  }

  /** May be repeated; waits for reads that are under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#contents.values());
    this.#contents.clear();
    await this.#source.close();
  }

  #frameAt(tarPosition: number): number {
    let low = 0;
    let high = this.#frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#frames[middle]?.tarStart ?? 0) <= tarPosition) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The frame at `index`; those after it that begin before `tarEnd` are started too. */
  #contentOf(index: number, tarEnd: number): Promise<Uint8Array> {
    for (const known of this.#contents.keys()) {
      if (known < index || known >= index + framesTogether) this.#contents.delete(known);
    }
    for (let next = index; next < index + framesTogether; next += 1) {
      const frame = this.#frames[next];
      if (frame === undefined || frame.tarStart >= tarEnd || this.#contents.has(next)) continue;
      const content = this.#decompress(frame);
      content.catch(() => undefined);
      this.#contents.set(next, content);
    }
    return this.#contents.get(index) ?? Promise.reject(damaged('ends before its last file'));
  }

  async #decompress(frame: PlacedFrame): Promise<Uint8Array> {
    const compressed = await this.#source.read(frame.position, frame.compressedBytes);
    const content = await zstdDecompress(compressed, {
      chunkSize: Math.max(frame.contentBytes, constants.Z_MIN_CHUNK),
      maxOutputLength: frame.contentBytes,
      params: { [constants.ZSTD_d_windowLogMax]: maximumWindowLog },
    }).catch((error: unknown) => {
      throw damaged('has a damaged frame', error);
    });
    if (content.length !== frame.contentBytes) throw damaged('has a frame of the wrong size');
    return content;
  }
}
