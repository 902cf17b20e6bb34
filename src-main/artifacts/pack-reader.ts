/** Owns reading the tar in a pack front to back, frame by frame, in bounded memory. Trusts nothing that the pack says. */
import { constants as fsConstants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, zstdDecompress as decompress, type ZstdOptions } from 'node:zlib';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { decodeSeekTable, type SeekFrame, seekTableBytes, seekTableFooterBytes } from './seek-table.ts';

const zstdDecompress = promisify<Uint8Array, ZstdOptions, Uint8Array>(decompress);
/** Frames that are decompressed before they are asked for, on libuv's threads; each takes up to 8 MiB. */
const framesAhead = 3;
/** A frame's content is at most 4 MiB (2^22), so a larger window is only good for exhausting memory. */
export const maximumWindowLog = 22;

export function malformedPack(
  packFile: string,
  reason: string,
  cause?: unknown,
  details: Record<string, unknown> = {},
): DomainError {
  return new DomainError(
    'artifact.malformed',
    `The pack ${packFile} ${reason}. Fetch it again, or build the revision again.`,
    { path: packFile, ...details },
    { cause },
  );
}

export function damagedFile(packFile: string, file: { readonly path: string; readonly sha256: string }): DomainError {
  return new DomainError(
    'artifact.digest_mismatch',
    `The file ${JSON.stringify(file.path)} in the pack ${packFile} was damaged: its digest is not the one of the file list. The pack will be fetched again.`,
    { path: file.path, expected: file.sha256 },
  );
}

async function readAt(handle: FileHandle, packFile: string, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw malformedPack(packFile, 'is cut short');
    done += bytesRead;
  }
  return bytes;
}

async function readSeekTable(handle: FileHandle, packFile: string): Promise<SeekFrame[]> {
  const { size } = await handle.stat();
  if (size < seekTableFooterBytes) throw malformedPack(packFile, 'is cut short');
  const footer = await readAt(handle, packFile, size - seekTableFooterBytes, seekTableFooterBytes);
  const tableBytes = seekTableBytes(footer);
  if (tableBytes > size) throw malformedPack(packFile, 'has a seek table that is larger than the pack');
  return decodeSeekTable(await readAt(handle, packFile, size - tableBytes, tableBytes), size);
}

async function openPack(packFile: string): Promise<FileHandle> {
  return open(packFile, fsConstants.O_RDONLY).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    throw new DomainError('not_found', `The pack ${packFile} is not there. Fetch it again.`, { path: packFile });
  });
}

/** The frames of a pack. Throws `not_found` where there is no pack, `artifact.malformed` where it has no sound seek table. */
export async function readFrameSizes(packFile: string): Promise<readonly SeekFrame[]> {
  const handle = await openPack(packFile);
  try {
    return await readSeekTable(handle, packFile);
  } finally {
    await handle.close();
  }
}

/** The tar in a pack, as a stream that is read in exact amounts. */
export class PackReader {
  /** What the seek table says of the tar's size; each frame is held to it. */
  readonly tarBytes: number;
  readonly #packFile: string;
  readonly #handle: FileHandle;
  readonly #frames: readonly SeekFrame[];
  readonly #ahead: Promise<Uint8Array>[] = [];
  #nextFrame = 0;
  #position = 0;
  #current: Uint8Array = new Uint8Array();

  private constructor(packFile: string, handle: FileHandle, frames: readonly SeekFrame[]) {
    this.#packFile = packFile;
    this.#handle = handle;
    this.#frames = frames;
    this.tarBytes = frames.reduce((total, frame) => total + frame.contentBytes, 0);
  }

  /** Throws `not_found` where there is no pack, `artifact.malformed` where it has no sound seek table. */
  static async open(packFile: string): Promise<PackReader> {
    const handle = await openPack(packFile);
    try {
      return new PackReader(packFile, handle, await readSeekTable(handle, packFile));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #decompress(frame: SeekFrame, position: number): Promise<Uint8Array> {
    const compressed = await readAt(this.#handle, this.#packFile, position, frame.compressedBytes);
    let content: Uint8Array;
    try {
      content = await zstdDecompress(compressed, {
        chunkSize: Math.max(frame.contentBytes, constants.Z_MIN_CHUNK),
        maxOutputLength: frame.contentBytes,
        params: { [constants.ZSTD_d_windowLogMax]: maximumWindowLog },
      });
    } catch (error) {
      throw malformedPack(this.#packFile, 'has a damaged frame', error);
    }
    if (content.length !== frame.contentBytes) throw malformedPack(this.#packFile, 'has a frame of the wrong size');
    return content;
  }

  #fetchAhead(): void {
    while (this.#ahead.length < framesAhead) {
      const frame = this.#frames[this.#nextFrame];
      if (frame === undefined) return;
      const content = this.#decompress(frame, this.#position);
      content.catch(() => undefined);
      this.#ahead.push(content);
      this.#nextFrame += 1;
      this.#position += frame.compressedBytes;
    }
  }

  /** The next bytes, at least one and at most `maximumBytes`. Throws `artifact.malformed` at the end. */
  async readSome(maximumBytes: number): Promise<Uint8Array> {
    if (this.#current.length === 0) {
      this.#fetchAhead();
      const content = await this.#ahead.shift();
      if (content === undefined) throw malformedPack(this.#packFile, 'ends before its last file');
      this.#current = content;
      this.#fetchAhead();
    }
    const bytes = this.#current.subarray(0, maximumBytes);
    this.#current = this.#current.subarray(bytes.length);
    return bytes;
  }

  /** Exactly `length` bytes, all held at once; meant for headers and small files. */
  async readExactly(length: number): Promise<Uint8Array> {
    if (this.#current.length >= length) {
      const whole = this.#current.subarray(0, length);
      this.#current = this.#current.subarray(length);
      return whole;
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const part = await this.readSome(length - done);
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  /** May be repeated; waits for reads that are under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#ahead);
    await this.#handle.close();
  }
}
