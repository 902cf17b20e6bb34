/** Owns the pack file while it is written: temporary name, digest, torrent pieces, durable rename. Knows nothing of tar. */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

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
}

/** A pack in the making. Nothing is at `outFile` until `finish`, and nothing of it is left after `discard`. */
export class PackFile {
  readonly #outFile: string;
  readonly #temporaryFile: string;
  readonly #handle: FileHandle;
  readonly #pieceLengthBytes: number;
  readonly #digest = createHash('sha256');
  readonly #pieces: Buffer[] = [];
  #piece = createHash('sha1');
  #pieceBytes = 0;
  #sizeBytes = 0;

  private constructor(outFile: string, temporaryFile: string, handle: FileHandle, pieceLengthBytes: number) {
    this.#outFile = outFile;
    this.#temporaryFile = temporaryFile;
    this.#handle = handle;
    this.#pieceLengthBytes = pieceLengthBytes;
  }

  static async create(outFile: string, pieceLengthBytes: number): Promise<PackFile> {
    const temporaryFile = `${outFile}.${randomUUID()}.tmp`;
    return new PackFile(outFile, temporaryFile, await open(temporaryFile, 'wx', 0o644), pieceLengthBytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#digest.update(bytes);
    this.#hashPieces(bytes);
    this.#sizeBytes += bytes.length;
    await writeAll(this.#handle, bytes);
  }

  /** Source: BEP 3, `pieces`: the SHA-1 of each piece, one after the other; the last piece may be shorter. */
  #hashPieces(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + this.#pieceLengthBytes - this.#pieceBytes);
      this.#piece.update(part);
      this.#pieceBytes += part.length;
      done += part.length;
      if (this.#pieceBytes === this.#pieceLengthBytes) this.#endPiece();
    }
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest());
    this.#piece = createHash('sha1');
    this.#pieceBytes = 0;
  }

  async finish(): Promise<FinishedPackFile> {
    if (this.#pieceBytes > 0) this.#endPiece();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporaryFile, this.#outFile);
    await syncFolder(path.dirname(this.#outFile));
    return {
      digest: this.#digest.digest('hex'),
      sizeBytes: this.#sizeBytes,
      pieces: new Uint8Array(Buffer.concat(this.#pieces)),
    };
  }

  /** After `finish` this does nothing. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporaryFile, { force: true });
  }
}
