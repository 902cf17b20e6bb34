/** Owns the pack file while it is written: temporary name, hashes, durable rename. Knows nothing of tar. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { BlobChecksums } from '../stores/blob-store.ts';
import { crc32c, crc32cHex, joinCrc32c } from '../stores/crc32c.ts';
import type { LaneDigests } from './hash-lanes.ts';
import { openStreamHash, type StreamHash } from './stream-hash.ts';

const kibibyte = 1024;
const minimumPieceBytes = 256 * kibibyte;
const maximumPieceBytes = 4 * kibibyte * kibibyte;
/** Few enough that a .torrent stays near 20 KiB, many enough that every machine has something to give. */
const piecesAimedAt = 1024;

/**
 * The piece length in bytes for a tree of this size: a power of two from 256 KiB to 4 MiB. The pack's own size is not known
 * before its first piece is hashed, and the tree's size is the same on every run.
 */
export function pieceLengthFor(treeSizeBytes: number): number {
  let length = minimumPieceBytes;
  while (length < maximumPieceBytes && length * piecesAimedAt < treeSizeBytes) length *= 2;
  return length;
}

/** Makes the folder's entries survive a power cut. Windows has no such call, and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}

/** What object stores compute of a blob. MD5 costs as much as all other hashes together, so it is only there where it was asked for. */
export type PackChecksums = BlobChecksums & { readonly crc32c: string };

export interface PackFileOptions {
  readonly pieceLengthBytes: number;
  /** A guess of the size, for speed only. */
  readonly expectedBytes: number;
  /** Whether a store wants it. */
  readonly md5: boolean;
}

export interface FinishedPackFile {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly pieces: Uint8Array;
  readonly checksums: PackChecksums;
}

/** Enough that the disk is asked seldom, little enough that it is busy while the processor is. */
const flushBytes = 32 * kibibyte * kibibyte;

/** Has the disk write while there is more to come, so that the last flush has little left to wait for. */
class EagerFlush {
  readonly #handle: FileHandle;
  #pendingBytes = 0;
  #running: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  wrote(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes < flushBytes || this.#running !== null) return;
    this.#pendingBytes = 0;
    this.#running = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running = null;
      });
  }

  /** A disk tells of a failed write only once, so what a flush threw is thrown here. */
  async settle(): Promise<void> {
    await this.#running;
    if (this.#failure !== null) throw this.#failure.error;
  }
}

/** A pack in the making. Nothing is at `outFile` until `finish`, and nothing of it is left after `discard`. */
export class PackFile {
  readonly #outFile: string;
  readonly #temporaryFile: string;
  readonly #handle: FileHandle;
  readonly #identity: StreamHash<LaneDigests['identity']>;
  readonly #md5: StreamHash<LaneDigests['md5']> | null;
  readonly #flush: EagerFlush;
  #crc32c = 0;
  #sizeBytes = 0;

  private constructor(outFile: string, temporaryFile: string, handle: FileHandle, options: PackFileOptions) {
    this.#outFile = outFile;
    this.#temporaryFile = temporaryFile;
    this.#handle = handle;
    this.#identity = openStreamHash('identity', options.expectedBytes, options.pieceLengthBytes);
    this.#md5 = options.md5 ? openStreamHash('md5', options.expectedBytes) : null;
    this.#flush = new EagerFlush(handle);
  }

  static async create(outFile: string, options: PackFileOptions): Promise<PackFile> {
    const temporaryFile = `${outFile}.${randomUUID()}.tmp`;
    return new PackFile(outFile, temporaryFile, await open(temporaryFile, 'wx', 0o644), options);
  }

  /** One call at a time; `bytes` may change again when it resolves. `crc` is their CRC32C, where somebody has it already. */
  async write(bytes: Uint8Array, crc = crc32c(bytes)): Promise<void> {
    this.#sizeBytes += bytes.length;
    this.#crc32c = joinCrc32c(this.#crc32c, crc, bytes.length);
    const work = [writeAll(this.#handle, bytes), this.#identity.update(bytes), this.#md5?.update(bytes)];
    // Also where one fails, nothing may still read the bytes when this returns.
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
    this.#flush.wrote(bytes.length);
  }

  async finish(): Promise<FinishedPackFile> {
    const { sha256, pieces } = await this.#identity.digest();
    const md5 = await this.#md5?.digest();
    await this.#flush.settle();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporaryFile, this.#outFile);
    await syncFolder(path.dirname(this.#outFile));
    const checksums = { crc32c: crc32cHex(this.#crc32c), ...(md5 === undefined ? {} : { md5 }) };
    return { digest: sha256, sizeBytes: this.#sizeBytes, pieces, checksums };
  }

  /** After `finish` this only ends its threads. */
  async discard(): Promise<void> {
    await this.#identity.close();
    await this.#md5?.close();
    await this.#flush.settle().catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporaryFile, { force: true });
  }
}
