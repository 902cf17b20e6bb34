/** Owns reading the source of a put once, front to back, with its digests. Knows no provider. */
import { type FileHandle, open } from 'node:fs/promises';
import { DomainError } from '../contract/errors.ts';
import type { BlobSource, PutOptions } from './blob-store.ts';
import { type DigestMark, type DigestName, RunningDigests } from './running-digests.ts';

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
 * Whether the whole's MD5 is computed though nobody asked for it: where nothing better is promised. A SHA-256 that holds proves the
 * bytes alone, and MD5 costs twice as much.
 */
function isMd5OnlyProof({ sha256, checksums }: PromisedContent): boolean {
  return sha256 === undefined && checksums?.md5 !== undefined;
}

function refuseOther(
  source: BlobSource,
  promised: PromisedContent,
  is: { readonly sizeBytes: number; readonly sha256?: string | undefined; readonly md5?: string | undefined },
): void {
  const wantedBytes = sourceBytes(source);
  if (is.sizeBytes !== wantedBytes) throw mismatch(source, 'a size of', is.sizeBytes, wantedBytes);
  for (const [name, found, wanted] of [
    ['SHA-256', is.sha256, promised.sha256],
    ['MD5', is.md5, promised.checksums?.md5],
  ] as const) {
    if (found !== undefined && wanted !== undefined && found !== wanted) throw mismatch(source, name, found, wanted);
  }
}

/** Digests of a source that is not read by parts. */
export class SourceDigests {
  readonly #source: BlobSource;
  readonly #promised: PromisedContent;
  readonly #digests: RunningDigests;
  #sizeBytes = 0;

  constructor(source: BlobSource, promised: PromisedContent, wantsMd5: boolean) {
    this.#source = source;
    this.#promised = promised;
    const whole: readonly DigestName[] = wantsMd5 || isMd5OnlyProof(promised) ? ['sha256', 'md5'] : ['sha256'];
    this.#digests = new RunningDigests({ whole, part: [] });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(chunk: Uint8Array): void {
    this.#digests.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** See `SourceReader.finish`. */
  finish(): { readonly md5: string | null } {
    const { whole } = this.#digests.mark();
    refuseOther(this.#source, this.#promised, { sizeBytes: this.#sizeBytes, ...whole });
    return { md5: whole.md5 ?? null };
  }
}

/** Which digests a provider wants besides what was promised. */
export interface WantedDigests {
  /** Of the whole. */
  readonly md5: boolean;
  /** Of each part. */
  readonly part: readonly DigestName[];
}

/** Reads a file source in order. Throws `artifact.digest_mismatch` where it is not as long as it should be. */
export class SourceReader {
  readonly #handle: FileHandle;
  readonly #source: FileSource;
  readonly #promised: PromisedContent;
  readonly #digests: RunningDigests;
  #sizeBytes = 0;

  private constructor(handle: FileHandle, source: FileSource, promised: PromisedContent, wanted: WantedDigests) {
    this.#handle = handle;
    this.#source = source;
    this.#promised = promised;
    const whole: readonly DigestName[] = wanted.md5 || isMd5OnlyProof(promised) ? ['sha256', 'md5'] : ['sha256'];
    this.#digests = new RunningDigests({ whole, part: wanted.part });
  }

  static async open(source: FileSource, promised: PromisedContent, wanted: WantedDigests): Promise<SourceReader> {
    const handle = await open(source.path, 'r');
    try {
      const { size } = await handle.stat();
      if (size !== source.sizeBytes) throw mismatch(source, 'a size of', size, source.sizeBytes);
      return new SourceReader(handle, source, promised, wanted);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Fills `buffer` with the bytes that come next. */
  async fill(buffer: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    for (let done = 0; done < buffer.length; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(stepBytes, buffer.length - done);
      const { bytesRead } = await this.#handle.read(buffer, done, wanted, this.#sizeBytes);
      if (bytesRead === 0) throw mismatch(this.#source, 'a size of', this.#sizeBytes, this.#source.sizeBytes);
      this.#digests.update(buffer.subarray(done, done + bytesRead));
      done += bytesRead;
      this.#sizeBytes += bytesRead;
    }
  }

  /** The digests of what was read so far, and of what was read since the last mark. */
  mark(): DigestMark {
    return this.#digests.mark();
  }

  /** Reads the first `bytes` without giving them out; false where they have another SHA-256 than `sha256`. */
  async skip(bytes: number, sha256: string, signal: AbortSignal | undefined): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(Math.min(stepBytes, bytes));
    for (let left = bytes; left > 0; left -= buffer.length) {
      await this.fill(buffer.subarray(0, Math.min(buffer.length, left)), signal);
    }
    return this.mark().whole.sha256 === sha256;
  }

  /** Checks what was read against what was promised; gives the whole's MD5 where it is known. Throws `artifact.digest_mismatch`. */
  finish(): { readonly md5: string | null } {
    const { whole } = this.mark();
    refuseOther(this.#source, this.#promised, { sizeBytes: this.#sizeBytes, ...whole });
    return { md5: whole.md5 ?? null };
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
  const reader = await SourceReader.open(source, promised, { md5: true, part: [] });
  try {
    const bytes = Buffer.allocUnsafe(source.sizeBytes);
    await reader.fill(bytes, signal);
    return { bytes, md5: reader.finish().md5 ?? '' };
  } finally {
    await reader.close();
  }
}
