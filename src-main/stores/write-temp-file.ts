/** Owns how a blob's bytes reach a temp file: cloned or streamed, hashed on the way, and safe on the disk at the end. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { BlobSource, PutOptions } from './blob-store.ts';

/** Large enough for sequential disk speed, small enough that hashing one takes a millisecond or two. */
const chunkBytes = 1024 * 1024;
const progressIntervalMs = 250;

/** Calls `report` at most four times a second. */
function throttled(report: ((bytesDone: number) => void) | undefined): (bytesDone: number) => void {
  let lastMs = 0;
  return bytesDone => {
    const nowMs = performance.now();
    if (report === undefined || nowMs - lastMs < progressIntervalMs) return;
    lastMs = nowMs;
    report(bytesDone);
  };
}

/** A copy that shares the source's blocks, where the file system can do that (btrfs, XFS, APFS, ReFS). */
async function cloned(sourcePath: string, tempPath: string): Promise<boolean> {
  try {
    await copyFile(sourcePath, tempPath, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOSPC' || code === 'EDQUOT') throw error;
    return false;
  }
}

async function* chunksOf(handle: FileHandle, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* chunksOfFile(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    yield* chunksOf(handle, signal);
  } finally {
    await handle.close();
  }
}

async function* chunksOfBytes(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    signal?.throwIfAborted();
    yield bytes.subarray(start, start + chunkBytes);
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

function refuseDifference(
  tempPath: string,
  source: BlobSource,
  sizeBytes: number,
  sha256: string | null,
  want?: string,
) {
  const from = source.kind === 'file' ? source.path : 'the given bytes';
  const wantedBytes = source.kind === 'file' ? source.sizeBytes : source.bytes.length;
  if (sizeBytes !== wantedBytes) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `${from} had ${sizeBytes} bytes where ${wantedBytes} were expected: it changed while it was stored. Nothing was stored; make it again.`,
      { tempPath, sizeBytes, wantedBytes },
    );
  }
  if (want !== undefined && sha256 !== want) {
    throw new DomainError(
      'artifact.digest_mismatch',
      `${from} has SHA-256 ${sha256} where ${want} was expected. Nothing was stored; fetch or make it again.`,
      { sha256, wanted: want },
    );
  }
}

/**
 * Writes `source` to the new file `tempPath`, checks its size and, where `sha256` is given, its digest, and syncs it.
 * Throws `artifact.digest_mismatch`, the file system's own errors, or the signal's reason; the caller removes the file.
 */
export async function writeTempFile(
  tempPath: string,
  source: BlobSource,
  { sha256, throttle, onProgress, signal }: Pick<PutOptions, 'sha256' | 'throttle' | 'onProgress' | 'signal'>,
): Promise<void> {
  signal?.throwIfAborted();
  const isClone = source.kind === 'file' && (await cloned(source.path, tempPath));
  const handle = await open(tempPath, isClone ? 'r+' : 'wx', 0o644);
  try {
    const hash = createHash('sha256');
    const report = throttled(onProgress);
    let sizeBytes = 0;
    const chunks = isClone
      ? chunksOf(handle, signal)
      : source.kind === 'file'
        ? chunksOfFile(source.path, signal)
        : chunksOfBytes(source.bytes, signal);
    if (isClone && sha256 === undefined) {
      sizeBytes = (await handle.stat()).size;
      await throttle?.(sizeBytes);
    } else {
      for await (const chunk of chunks) {
        await throttle?.(chunk.length);
        signal?.throwIfAborted();
        if (sha256 !== undefined) hash.update(chunk);
        if (!isClone) await writeWhole(handle, chunk);
        sizeBytes += chunk.length;
        report(sizeBytes);
      }
    }
    refuseDifference(tempPath, source, sizeBytes, sha256 === undefined ? null : hash.digest('hex'), sha256);
    // A version is made of inode, time and size. A random part of a millisecond keeps two writes of one tick apart.
    const nowSeconds = (Date.now() + Math.random()) / 1000;
    await handle.utimes(nowSeconds, nowSeconds);
    await handle.sync();
    onProgress?.(sizeBytes);
  } finally {
    await handle.close();
  }
}
