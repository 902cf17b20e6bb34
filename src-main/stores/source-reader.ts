/** Owns reading the source of a put once, front to back, with its digests. Knows no provider. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { DomainError } from '../contract/errors.ts';
import type { BlobSource, PutOptions } from './blob-store.ts';

export type FileSource = Extract<BlobSource, { kind: 'file' }>;

/** Large enough for sequential disk speed, small enough that hashing one holds up nothing else for long. */
const stepBytes = 1024 * 1024;

/** What a put was promised of its content. */
export type PromisedContent = Pick<PutOptions, 'sha256' | 'checksums'>;

function mismatch(source: BlobSource, what: string, is: string | number, wanted: string | number): DomainError {
  const from = source.kind === 'file' ? source.path : 'the given bytes';
  return new DomainError(
    'artifact.digest_mismatch',
    `${from} has ${what} ${is} where ${wanted} was expected. Nothing was stored; fetch or make it again.`,
    { what, is, wanted },
  );
}

export function sourceBytes(source: BlobSource): number {
  return source.kind === 'file' ? source.sizeBytes : source.bytes.length;
}

/**
 * Digests of a source as it is read. The whole's MD5 is computed where it is asked for, and where nothing better is promised: a
 * SHA-256 that holds proves the bytes alone, and MD5 costs twice as much.
 */
export class SourceDigests {
  readonly #source: BlobSource;
  readonly #promised: PromisedContent;
  readonly #sha256 = createHash('sha256');
  readonly #md5;
  #sizeBytes = 0;

  constructor(source: BlobSource, promised: PromisedContent, wantsMd5: boolean) {
    this.#source = source;
    this.#promised = promised;
    const isOnlyProof = promised.sha256 === undefined && promised.checksums?.md5 !== undefined;
    this.#md5 = wantsMd5 || isOnlyProof ? createHash('md5') : null;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(chunk: Uint8Array): void {
    this.#sha256.update(chunk);
    this.#md5?.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** The SHA-256 of what was read so far, hex. */
  sha256SoFar(): string {
    return this.#sha256.copy().digest('hex');
  }

  /** Checks what was read against what was promised; gives the whole's MD5 where it is known. Throws `artifact.digest_mismatch`. */
  finish(): { readonly md5: string | null } {
    const wantedBytes = sourceBytes(this.#source);
    if (this.#sizeBytes !== wantedBytes) throw mismatch(this.#source, 'a size of', this.#sizeBytes, wantedBytes);
    const { sha256: wantedSha256, checksums } = this.#promised;
    const sha256 = this.#sha256.digest('hex');
    if (wantedSha256 !== undefined && sha256 !== wantedSha256) {
      throw mismatch(this.#source, 'SHA-256', sha256, wantedSha256);
    }
    const md5 = this.#md5?.digest('hex') ?? null;
    if (md5 !== null && checksums?.md5 !== undefined && md5 !== checksums.md5) {
      throw mismatch(this.#source, 'MD5', md5, checksums.md5);
    }
    return { md5 };
  }
}

/** Reads a file source in order. Throws `artifact.digest_mismatch` where it is not as long as it should be. */
export class SourceReader {
  readonly digests: SourceDigests;
  readonly #handle: FileHandle;
  readonly #source: FileSource;

  private constructor(handle: FileHandle, source: FileSource, digests: SourceDigests) {
    this.#handle = handle;
    this.#source = source;
    this.digests = digests;
  }

  static async open(source: FileSource, promised: PromisedContent, wantsMd5: boolean): Promise<SourceReader> {
    const handle = await open(source.path, 'r');
    try {
      const { size } = await handle.stat();
      if (size !== source.sizeBytes) throw mismatch(source, 'a size of', size, source.sizeBytes);
      return new SourceReader(handle, source, new SourceDigests(source, promised, wantsMd5));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Fills `buffer` with the bytes that come next, which `also` digests for itself. */
  async fill(buffer: Uint8Array, signal: AbortSignal | undefined, also: Hash | null = null): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(stepBytes, buffer.length - done);
      const { bytesRead } = await this.#handle.read(buffer, done, wanted, this.digests.sizeBytes);
      if (bytesRead === 0) throw mismatch(this.#source, 'a size of', this.digests.sizeBytes, this.#source.sizeBytes);
      const chunk = buffer.subarray(done, done + bytesRead);
      this.digests.update(chunk);
      also?.update(chunk);
      done += bytesRead;
    }
  }

  /** Reads the first `bytes` without giving them out; false where they have another SHA-256 than `sha256`. */
  async skip(bytes: number, sha256: string, signal: AbortSignal | undefined): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(Math.min(stepBytes, bytes));
    for (let left = bytes; left > 0; left -= buffer.length) {
      await this.fill(buffer.subarray(0, Math.min(buffer.length, left)), signal);
    }
    return this.digests.sha256SoFar() === sha256;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A source that fits memory, whole and checked. Throws `artifact.digest_mismatch`. */
export async function readWhole(
  source: BlobSource,
  promised: PromisedContent,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly md5: string }> {
  signal?.throwIfAborted();
  if (source.kind === 'bytes') {
    const digests = new SourceDigests(source, promised, true);
    digests.update(source.bytes);
    return { bytes: source.bytes, md5: digests.finish().md5 ?? '' };
  }
  const reader = await SourceReader.open(source, promised, true);
  try {
    const bytes = Buffer.allocUnsafe(source.sizeBytes);
    await reader.fill(bytes, signal);
    return { bytes, md5: reader.digests.finish().md5 ?? '' };
  } finally {
    await reader.close();
  }
}
