/** Owns the file that a torrent's pieces lie in: opened read-only to seed, so that seeding never changes a store's blob. Knows no torrent. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ChunkStore, StoreCallback } from 'webtorrent';
import type { PieceCache } from './piece-cache.ts';

/** A link where the pack is to be written could lead the bytes anywhere. Windows has no such flag, and no such link without privileges. */
const noFollow = constants.O_NOFOLLOW ?? 0;

async function openFile(path: string, sizeBytes: number, writable: boolean): Promise<FileHandle> {
  if (!writable) return open(path, constants.O_RDONLY);
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | noFollow, 0o644);
  const { size } = await file.stat();
  if (size > sizeBytes) await file.truncate(sizeBytes);
  return file;
}

/** A webtorrent store over one file, opened at first use. Pieces are read whole: whoever asks for a block asks for its neighbours. */
export class PieceFile implements ChunkStore {
  readonly chunkLength: number;
  readonly #path: string;
  readonly #sizeBytes: number;
  readonly #writable: boolean;
  readonly #cache: PieceCache;
  readonly #reading = new Map<number, Promise<Uint8Array>>();
  #file: Promise<FileHandle> | null = null;
  #closed = false;

  constructor(options: {
    path: string;
    sizeBytes: number;
    pieceLengthBytes: number;
    writable: boolean;
    cache: PieceCache;
  }) {
    this.chunkLength = options.pieceLengthBytes;
    this.#path = options.path;
    this.#sizeBytes = options.sizeBytes;
    this.#writable = options.writable;
    this.#cache = options.cache;
  }

  get(index: number, options: { offset?: number; length?: number } | null | undefined, done: StoreCallback): void {
    const offset = options?.offset ?? 0;
    const pieceBytes = Math.min(this.chunkLength, this.#sizeBytes - index * this.chunkLength);
    const end = offset + (options?.length ?? pieceBytes - offset);
    if (index < 0 || offset < 0 || offset > end || end > pieceBytes) {
      queueMicrotask(() => done(new Error(`The range ${offset}-${end} does not lie in piece ${index}.`)));
      return;
    }
    const cached = this.#cache.get(this, index);
    if (cached !== null) {
      queueMicrotask(() => done(null, cached.subarray(offset, end)));
      return;
    }
    this.#readPiece(index, pieceBytes).then(
      bytes => done(null, bytes.subarray(offset, end)),
      error => done(asError(error)),
    );
  }

  /** Keeps a copy of a piece that was just written: those who wait for it ask at once. */
  remember(index: number, bytes: Uint8Array): void {
    if (!this.#closed) this.#cache.put(this, index, new Uint8Array(bytes));
  }

  put(index: number, bytes: Uint8Array, done: StoreCallback): void {
    this.write(index, bytes).then(
      () => done(null),
      error => done(asError(error)),
    );
  }

  /** Writes a whole piece. Throws the system's error where the disk fails. */
  async write(index: number, bytes: Uint8Array): Promise<void> {
    if (!this.#writable) throw new Error(`${this.#path} is only seeded, never written.`);
    const start = index * this.chunkLength;
    if (bytes.byteLength !== Math.min(this.chunkLength, this.#sizeBytes - start)) {
      throw new Error(`Piece ${index} has ${bytes.byteLength} bytes, which is not its length.`);
    }
    const file = await this.#open();
    let done = 0;
    while (done < bytes.byteLength) {
      const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, start + done);
      done += bytesWritten;
    }
  }

  /** Opens the file and tells how long it is now; throws the system's error where it cannot be opened. */
  async openedSizeBytes(): Promise<number> {
    const { size } = await (await this.#open()).stat();
    return size;
  }

  /** All that was written is on the disk, not only in the page cache. */
  async flush(): Promise<void> {
    if (this.#writable && this.#file !== null) await (await this.#file).datasync();
  }

  close(done: StoreCallback): void {
    this.#closed = true;
    this.#cache.drop(this);
    const file = this.#file;
    this.#file = null;
    if (file === null) {
      queueMicrotask(() => done(null));
      return;
    }
    file
      .then(handle => handle.close())
      .then(
        () => done(null),
        () => done(null),
      );
  }

  /** As `close`: what was downloaded stays, since it can be resumed. */
  destroy(done: StoreCallback): void {
    this.close(done);
  }

  #open(): Promise<FileHandle> {
    if (this.#closed) return Promise.reject(new Error(`${this.#path} is closed.`));
    if (this.#file === null) {
      const opening = openFile(this.#path, this.#sizeBytes, this.#writable);
      this.#file = opening;
      opening.catch(() => {
        if (this.#file === opening) this.#file = null;
      });
    }
    return this.#file;
  }

  #readPiece(index: number, pieceBytes: number): Promise<Uint8Array> {
    const under = this.#reading.get(index);
    if (under !== undefined) return under;
    const reading = this.#read(index * this.chunkLength, pieceBytes).then(bytes => {
      if (!this.#closed) this.#cache.put(this, index, bytes);
      return bytes;
    });
    this.#reading.set(index, reading);
    const forget = (): void => {
      this.#reading.delete(index);
    };
    reading.then(forget, forget);
    return reading;
  }

  async #read(start: number, length: number): Promise<Uint8Array> {
    const file = await this.#open();
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new Error(`${this.#path} ends before byte ${start + length}.`);
      done += bytesRead;
    }
    return bytes;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
