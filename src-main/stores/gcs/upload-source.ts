/** Owns reading what is uploaded: in chunks of bounded memory, with its digests, from any byte on. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { DomainError } from '../../contract/errors.ts';
import type { BlobSource, PutOptions } from '../blob-store.ts';
import { crc32c, crc32cHex } from '../crc32c.ts';

/** Large enough for few system calls, small enough that hashing one holds nobody up. */
const chunkBytes = 1024 * 1024;
/** One is being sent, one is hashed, and one is read into. */
const buffers = 3;

export interface UploadSource {
  readonly sizeBytes: number;
  /** Bytes from `start` to before `end`. A chunk is good until the one after the next is asked for. */
  chunks(start: number, end: number): AsyncGenerator<Uint8Array>;
  /** The checksum of the whole, as is known or was read. Throws `artifact.digest_mismatch` where the whole is not what was promised. */
  finish(): Promise<string | undefined>;
  close(): Promise<void>;
}

function differs(source: BlobSource, what: string): DomainError {
  const from = source.kind === 'file' ? source.path : 'the given bytes';
  return new DomainError(
    'artifact.digest_mismatch',
    `${from} ${what}. Nothing was stored; fetch or make it again.`,
    {},
  );
}

/** Opens `source`. Throws `artifact.digest_mismatch` where its size is another one, and the file system's own errors. */
export async function openUploadSource(
  source: BlobSource,
  { sha256, checksums = {} }: Pick<PutOptions, 'sha256' | 'checksums'>,
): Promise<UploadSource> {
  const handle: FileHandle | null = source.kind === 'file' ? await open(source.path, 'r') : null;
  const sizeBytes = source.kind === 'file' ? source.sizeBytes : source.bytes.length;
  if (handle !== null && (await handle.stat()).size !== sizeBytes) {
    await handle.close();
    throw differs(source, `has not the ${sizeBytes} bytes that were expected: it changed while it was stored`);
  }
  /** Where it is known, nothing is read for: the provider holds the bytes against it before anybody sees them. */
  const readsCrc = checksums.crc32c === undefined;
  const digest = sha256 === undefined || !readsCrc ? null : createHash('sha256');
  let crc = 0;
  let hashedBytes = 0;
  let found: string | undefined;

  function take(chunk: Uint8Array, at: number): void {
    const fresh = chunk.subarray(Math.max(0, hashedBytes - at));
    if (at > hashedBytes || fresh.length === 0) return;
    digest?.update(fresh);
    if (readsCrc) crc = crc32c(fresh, crc);
    hashedBytes += fresh.length;
  }

  /** The bytes at `at`, at least one of them; those of a file into `buffer`. */
  async function readAt(at: number, end: number, buffer: Buffer | undefined): Promise<Uint8Array> {
    const wanted = Math.min(chunkBytes, end - at);
    if (source.kind === 'bytes') return source.bytes.subarray(at, at + wanted);
    if (buffer === undefined || handle === null) throw new Error('a file is read into a buffer');
    const bytesRead = (await handle.read(buffer, 0, wanted, at)).bytesRead;
    if (bytesRead === 0) throw differs(source, 'became shorter while it was stored');
    return buffer.subarray(0, bytesRead);
  }

  /** The disk reads the next chunk while this one is hashed and sent. Each has its own buffers: one that was given up may read still. */
  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start >= end) return;
    const bufferBytes = Math.min(chunkBytes, end - start);
    const pool = handle === null ? [] : Array.from({ length: buffers }, () => Buffer.allocUnsafe(bufferBytes));
    let turn = 0;
    let ahead: Promise<Uint8Array> | null = readAt(start, end, pool[0]);
    for (let at = start; ahead !== null; ) {
      const chunk: Uint8Array = await ahead;
      const next: number = at + chunk.length;
      turn += 1;
      ahead = next < end ? readAt(next, end, pool[turn % buffers]) : null;
      ahead?.catch(() => undefined);
      take(chunk, at);
      yield chunk;
      at = next;
    }
  }

  /** What was sent by an earlier process is read for its digests alone. */
  async function catchUp(to: number): Promise<void> {
    if (digest === null && !readsCrc) return;
    for await (const _chunk of read(hashedBytes, to));
  }

  return {
    sizeBytes,
    async *chunks(start, end) {
      await catchUp(start);
      yield* read(start, end);
    },
    async finish() {
      await catchUp(sizeBytes);
      found ??= digest?.digest('hex');
      if (digest !== null && found !== sha256)
        throw differs(source, `has SHA-256 ${found} where ${sha256} was expected`);
      return readsCrc ? crc32cHex(crc) : checksums.crc32c;
    },
    close: async () => handle?.close(),
  };
}
