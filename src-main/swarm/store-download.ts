/** Owns fetching a pack plainly from stores, where the swarm cannot be had. The caller checks the digest. */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { readWithFailover } from './store-failover.ts';

/** A progress bar needs no more. */
const progressIntervalMs = 250;

/**
 * Fetches `key` to `outFile`, replacing what is there. The bytes gather in `outFile.part`, and a later call goes on where that
 * ends; `outFile` itself is never trusted, since a download through the swarm leaves its pieces in any order. `bytes` is what
 * was fetched by this call. Delete `outFile` when its digest does not match, and call again. May be repeated.
 * Throws `store.*` (the last store's error), `agent.disk_full`; the signal's reason when it is aborted.
 */
export async function downloadFromStores(options: {
  readonly stores: readonly BlobStore[];
  readonly key: string;
  readonly sizeBytes: number;
  readonly outFile: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytesDone: number) => void;
  readonly onFailure?: (store: BlobStore, error: unknown) => void;
}): Promise<{ bytes: number }> {
  const { key, sizeBytes, outFile, signal } = options;
  const partFile = `${outFile}.part`;
  try {
    const part = await openPart(partFile);
    let position: number;
    let start: number;
    try {
      start = await resumePosition(part, sizeBytes);
      position = start;
      let reportedAtMs = 0;
      const chunks = readWithFailover({ ...options, start, end: sizeBytes, signal });
      for await (const chunk of chunks) {
        await writeAll(part, chunk, position);
        position += chunk.byteLength;
        if (performance.now() - reportedAtMs < progressIntervalMs) continue;
        reportedAtMs = performance.now();
        options.onProgress?.(position);
      }
      await part.datasync();
    } finally {
      await part.close();
    }
    await rename(partFile, outFile);
    options.onProgress?.(position);
    return { bytes: position - start };
  } catch (error) {
    const system = systemErrorCode(error);
    if (system !== 'ENOSPC' && system !== 'EDQUOT') throw error;
    throw new DomainError(
      'agent.disk_full',
      `The disk is full: ${key} (${sizeBytes} bytes) does not fit at ${outFile}. Free space there; the download goes on where it stopped.`,
      { path: outFile, sizeBytes, reason: messageOf(error) },
      { cause: error },
    );
  }
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return open(path, 'wx+', 0o644);
  }
}

async function resumePosition(part: FileHandle, sizeBytes: number): Promise<number> {
  const { size } = await part.stat();
  if (size <= sizeBytes) return size;
  await part.truncate(0);
  return 0;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}
