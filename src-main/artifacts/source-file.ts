/** Owns reading one file of a tree for a pack, and noticing that it is not the file that was scanned. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { ScannedEntry } from './scan-tree.ts';

export type ScannedFile = Pick<Extract<ScannedEntry, { kind: 'file' }>, 'path' | 'sizeBytes' | 'identity'>;

/** No link is followed and no pipe is waited for, should the file have been swapped since the scan. Absent on Windows. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What a file system's error about the path says when the file was there a moment ago. */
const goneCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/** Whether the file is still as it was when it was scanned: the same one, with the same size and times. */
export function isScanned(
  { sizeBytes, identity }: Pick<ScannedFile, 'sizeBytes' | 'identity'>,
  stats: Pick<Stats, 'size' | 'ctimeMs' | 'mtimeMs' | 'ino' | 'dev'>,
): boolean {
  return (
    stats.size === sizeBytes &&
    stats.ctimeMs === identity.ctimeMs &&
    stats.mtimeMs === identity.mtimeMs &&
    stats.ino === identity.ino &&
    stats.dev === identity.dev
  );
}

function changed(file: ScannedFile): DomainError {
  return new DomainError(
    'conflict',
    `The file ${JSON.stringify(file.path)} changed while it was read. Make sure that no program writes into the tree, such as one that a build step left behind, and try again.`,
    { path: file.path },
  );
}

function openingError(error: unknown, file: ScannedFile): unknown {
  return goneCodes.has(systemErrorCode(error) ?? '') ? changed(file) : unreadable(error, file.path);
}

/** Translates what the file system says about reading `path`; anything unexpected is passed on as it is. */
export function unreadable(error: unknown, file: string): unknown {
  const code = systemErrorCode(error);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EIO') return error;
  return new DomainError(
    'artifact.unsupported_file',
    `${JSON.stringify(file)} cannot be read (${code}). Give the user that Slipway runs as the right to read it, or exclude it from the artifact.`,
    { path: file, systemCode: code },
    { cause: error },
  );
}

/**
 * Opens the file, lets `read` read it whole, and makes sure that it still is the scanned file.
 * Throws `conflict` if it changed, `artifact.unsupported_file` if it cannot be read.
 */
export async function withSourceFile<Result>(
  root: string,
  file: ScannedFile,
  read: (handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  let handle: FileHandle;
  try {
    handle = await open(path.join(root, file.path), openFlags);
  } catch (error) {
    throw openingError(error, file);
  }
  try {
    const result = await read(handle);
    // Once is enough: the identity covers every change and swap from the scan until now.
    if (!isScanned(file, await handle.stat())) throw changed(file);
    return result;
  } catch (error) {
    throw unreadable(error, file.path);
  } finally {
    await handle.close();
  }
}

/**
 * Fills `target` with the file's bytes from `position`, and makes sure that it still is the scanned file. Blocks the thread.
 * Throws as `withSourceFile`.
 */
export function readSourceFile(root: string, file: ScannedFile, target: Uint8Array, position: number): void {
  let handle: number;
  try {
    handle = openSync(`${root}${path.sep}${file.path}`, openFlags);
  } catch (error) {
    throw openingError(error, file);
  }
  try {
    for (let done = 0; done < target.length; ) {
      const bytesRead = readSync(handle, target, done, target.length - done, position + done);
      // A file that ends before its size was cut while it was read.
      if (bytesRead === 0) throw changed(file);
      done += bytesRead;
    }
    if (!isScanned(file, fstatSync(handle))) throw changed(file);
  } catch (error) {
    throw unreadable(error, file.path);
  } finally {
    closeSync(handle);
  }
}
