/** Owns the pack file while it is written: temporary name, hashes, durable rename. Knows nothing of tar. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { LaneDigests, PackChecksums } from './hash-lanes.ts';
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

export interface FinishedPackFile {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly pieces: Uint8Array;
  readonly checksums: PackChecksums;
}

/** A pack in the making. Nothing is at `outFile` until `finish`, and nothing of it is left after `discard`. */
export class PackFile {
  readonly #outFile: string;
  readonly #temporaryFile: string;
  readonly #handle: FileHandle;
  readonly #identity: StreamHash<LaneDigests['identity']>;
  readonly #checksums: StreamHash<LaneDigests['checksums']>;
  #sizeBytes = 0;

  private constructor(
    outFile: string,
    temporaryFile: string,
    handle: FileHandle,
    options: { readonly pieceLengthBytes: number; readonly expectedBytes: number },
  ) {
    this.#outFile = outFile;
    this.#temporaryFile = temporaryFile;
    this.#handle = handle;
    this.#identity = openStreamHash('identity', options.expectedBytes, options.pieceLengthBytes);
    this.#checksums = openStreamHash('checksums', options.expectedBytes);
  }

  /** `expectedBytes` is a guess of the size, for speed only. */
  static async create(
    outFile: string,
    options: { readonly pieceLengthBytes: number; readonly expectedBytes: number },
  ): Promise<PackFile> {
    const temporaryFile = `${outFile}.${randomUUID()}.tmp`;
    return new PackFile(outFile, temporaryFile, await open(temporaryFile, 'wx', 0o644), options);
  }

  /** One call at a time; `bytes` may change again when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#sizeBytes += bytes.length;
    const work = [writeAll(this.#handle, bytes), this.#identity.update(bytes), this.#checksums.update(bytes)];
    // Also where one fails, nothing may still read the bytes when this returns.
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
  }

  async finish(): Promise<FinishedPackFile> {
    const { sha256, pieces } = await this.#identity.digest();
    const checksums = await this.#checksums.digest();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporaryFile, this.#outFile);
    await syncFolder(path.dirname(this.#outFile));
    return { digest: sha256, sizeBytes: this.#sizeBytes, pieces, checksums };
  }

  /** After `finish` this only ends its threads. */
  async discard(): Promise<void> {
    await this.#identity.close();
    await this.#checksums.close();
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporaryFile, { force: true });
  }
}
