/** Owns reading one file of a tree for a pack, and noticing that it is not the file that was scanned. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { identityOf, type ScannedEntry } from './scan-tree.ts';

export type ScannedFile = Extract<ScannedEntry, { kind: 'file' }>;

/** Files up to this size are read ahead, so that a tree of small files does not wait for one system call after the other. */
const smallFileBytes = 64 * 1024;
const filesAhead = 16;

/** No link is followed and no pipe is waited for, should the file have been swapped since the scan. Absent on Windows. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What a file system's error about the path says when the file was there a moment ago. */
const goneCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

function changed(file: ScannedFile): DomainError {
  return new DomainError(
    'conflict',
    `The file ${JSON.stringify(file.path)} changed while it was read. Make sure that no program writes into the tree, such as one that a build step left behind, and try again.`,
    { path: file.path },
  );
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
    throw goneCodes.has(systemErrorCode(error) ?? '') ? changed(file) : unreadable(error, file.path);
  }
  try {
    const result = await read(handle);
    // Once is enough: the identity covers every change and swap from the scan until now.
    if (identityOf(await handle.stat({ bigint: true })) !== file.identity) throw changed(file);
    return result;
  } catch (error) {
    throw unreadable(error, file.path);
  } finally {
    await handle.close();
  }
}

/** Fills `target` from `position`; a file that ends before that was cut while it was read. Throws `conflict`. */
export async function readFully(
  handle: FileHandle,
  file: ScannedFile,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw changed(file);
    done += bytesRead;
  }
}

/** Reads the small files among the next few entries before their turn. */
export class ReadAhead {
  readonly #root: string;
  readonly #entries: readonly ScannedEntry[];
  /** One for each entry that is read ahead, used again and again: new memory for each file piles up until it is collected. */
  readonly #slots = new Uint8Array(filesAhead * smallFileBytes);
  readonly #reads = new Map<number, Promise<Uint8Array>>();
  #next = 0;

  constructor(root: string, entries: readonly ScannedEntry[]) {
    this.#root = root;
    this.#entries = entries;
  }

  /** The content of the entry at `index` where it is a small file, valid until the next call; to be called in ascending order. */
  take(index: number): Promise<Uint8Array> | undefined {
    for (; this.#next < Math.min(index + filesAhead, this.#entries.length); this.#next += 1) {
      const entry = this.#entries[this.#next];
      if (entry?.kind !== 'file' || entry.sizeBytes > smallFileBytes) continue;
      const slotStart = (this.#next % filesAhead) * smallFileBytes;
      const slot = this.#slots.subarray(slotStart, slotStart + smallFileBytes);
      const read = withSourceFile(this.#root, entry, async handle => {
        const bytes = slot.subarray(0, entry.sizeBytes);
        await readFully(handle, entry, bytes, 0);
        return bytes;
      });
      read.catch(() => undefined);
      this.#reads.set(this.#next, read);
    }
    const read = this.#reads.get(index);
    this.#reads.delete(index);
    return read;
  }

  /** Waits until no file is open any more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#reads.values());
  }
}
