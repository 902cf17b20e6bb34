/** Owns how a blob's bytes reach a temp file: cloned or streamed, hashed on the way, and safe on the disk at the end. */
import { constants } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '../contract/errors.ts';
import type { BlobSource, PutOptions } from './blob-store.ts';
import { throttledReport } from './progress.ts';
import { SourceDigests } from './source-reader.ts';

/** Large enough for sequential disk speed, small enough that hashing one takes a millisecond or two. */
const chunkBytes = 1024 * 1024;

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

async function* chunksOf(handle: FileHandle, start: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = start; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* chunksOfFile(path: string, start: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    yield* chunksOf(handle, start, signal);
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

async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/**
 * Takes `handle` back to what it has in common with the source, chunk by chunk from the start: what a power cut left of it may be
 * zeros, and the source may be another one by now. What is kept is digested.
 */
async function keepCommon(
  handle: FileHandle,
  path: string,
  digests: SourceDigests,
  signal: AbortSignal | undefined,
): Promise<void> {
  const written = Buffer.allocUnsafe(chunkBytes);
  for await (const chunk of chunksOfFile(path, 0, signal)) {
    const { bytesRead } = await handle.read(written, 0, chunk.length, digests.sizeBytes);
    if (bytesRead < chunk.length || chunk.compare(written, 0, chunk.length) !== 0) break;
    digests.update(chunk);
  }
  await handle.truncate(digests.sizeBytes);
}

/**
 * Writes `source` to the file `tempPath`, checks its size and, where `sha256` is given, its digest, and syncs it. The file must be new,
 * unless `isKept`: then it goes on behind what a try before has written. A clone is paced by `throttle` as a copy is.
 * Throws `artifact.digest_mismatch`, the file system's own errors, or the signal's reason; the caller removes the file.
 */
export async function writeTempFile(
  tempPath: string,
  source: BlobSource,
  { sha256, onProgress, signal, throttle }: Pick<PutOptions, 'sha256' | 'onProgress' | 'signal' | 'throttle'>,
  isKept = false,
): Promise<void> {
  signal?.throwIfAborted();
  const isClone = !isKept && source.kind === 'file' && (await cloned(source.path, tempPath));
  const handle = await open(tempPath, isClone || isKept ? 'r+' : 'wx', 0o644);
  try {
    const digests = new SourceDigests(source, sha256 === undefined ? {} : { sha256 }, false);
    const report = throttledReport(onProgress);
    if (isKept && source.kind === 'file') {
      await keepCommon(handle, source.path, digests, signal);
      if (digests.sizeBytes > 0) report(digests.sizeBytes);
    }
    const chunks = isClone
      ? chunksOf(handle, 0, signal)
      : source.kind === 'file'
        ? chunksOfFile(source.path, digests.sizeBytes, signal)
        : chunksOfBytes(source.bytes, signal);
    for await (const chunk of chunks) {
      await throttle?.(chunk.length);
      if (!isClone) await writeWhole(handle, chunk, digests.sizeBytes);
      digests.update(chunk);
      report(digests.sizeBytes);
    }
    digests.finish();
    // A version is made of inode, time and size. A random part of a millisecond keeps two writes of one tick apart.
    const nowSeconds = (Date.now() + Math.random()) / 1000;
    await handle.utimes(nowSeconds, nowSeconds);
    await handle.sync();
    onProgress?.(digests.sizeBytes);
  } finally {
    await handle.close();
  }
}
