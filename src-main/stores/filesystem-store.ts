/** Owns the blob store in a folder of this machine or of a mount. Knows nothing of what the blobs mean. */
import { createHash, randomUUID } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { splitKey, splitPrefix } from './blob-key.ts';
import type { BlobEntry, BlobHead, BlobSource, BlobStore, PutOptions } from './blob-store.ts';
import { translateFilesystemError } from './filesystem-errors.ts';
import { filesystemRoot } from './filesystem-root.ts';
import { acquireKeyLock } from './key-lock.ts';
import { readRange } from './read-range.ts';
import { removeStaleTemp, throughTempFile } from './temp-folder.ts';
import { writeTempFile } from './write-temp-file.ts';

/** The store's own folder for what is not a blob yet; no key can start with a dot. */
const tempFolder = '.tmp';
/** The lock is held for one stat and one rename; a holder silent for this long is dead. */
const defaultLockStaleMs = 5_000;

function headOf(stats: BigIntStats): BlobHead {
  return {
    sizeBytes: Number(stats.size),
    version: `${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}`,
    modifiedAtMs: Number(stats.mtimeMs),
  };
}

function preconditionFailed(key: string, reason: string): DomainError {
  return new DomainError(
    'store.precondition_failed',
    `${key} was not written: ${reason}. Read it again and decide on what it says now.`,
    { key },
  );
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder for this, and journals renames itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `lstat`, or null where there is nothing. */
async function lstatOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * A store in the folder that `url` names (`file:///srv/blobs` or an absolute path). The folder must be there already: one
 * that is missing is a volume that is not mounted, and writing below its mount point would fill the wrong disk.
 *
 * A put is written to `.tmp/`, synced, and renamed, so that a reader sees a blob whole or not at all, also after a crash.
 * Symbolic links inside the store are never followed. Throws `store.url_invalid`.
 */
export function createFilesystemStore(url: string, options: { readonly lockStaleMs?: number } = {}): BlobStore {
  const root = filesystemRoot(url);
  const lockStaleMs = options.lockStaleMs ?? defaultLockStaleMs;
  const temp = join(root, tempFolder);
  /** Folders whose names are safe on the disk. */
  const syncedFolders = new Set<string>();
  const translate = (error: unknown) => translateFilesystemError(error, root);

  async function translated<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw translate(error);
    }
  }

  /**
   * Makes the folders one by one: `recursive` would follow a link out of the store, and would make a missing root. Each is synced
   * into its parent, or a power cut could take the folder with every blob in it; also one that is there, since who made it may
   * not have come to that yet.
   */
  async function makeFolder(segments: readonly string[]): Promise<string> {
    let path = root;
    for (const segment of segments) {
      const parent = path;
      path = join(path, segment);
      try {
        await mkdir(path);
        syncedFolders.delete(path);
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
        if (!(await lstat(path)).isDirectory()) throw misplaced(path);
      }
      if (syncedFolders.has(path)) continue;
      await syncFolder(parent);
      syncedFolders.add(path);
    }
    return path;
  }

  function misplaced(path: string): DomainError {
    return new DomainError(
      'store.malformed',
      `${path} inside the store ${root} is not a plain file or folder as it should be. Move it out of the way.`,
      { path },
    );
  }

  /** The path of a key whose folders are real folders of the store; null where one is missing. */
  async function existingFolder(segments: readonly string[]): Promise<string | null> {
    if (!(await stat(root)).isDirectory()) throw misplaced(root);
    let path = root;
    for (const segment of segments) {
      path = join(path, segment);
      const stats = await lstatOrNull(path);
      if (stats === null) return null;
      if (!stats.isDirectory()) throw misplaced(path);
    }
    return path;
  }

  async function headOrNull(key: string): Promise<BlobHead | null> {
    const segments = splitKey(key);
    const folder = await existingFolder(segments.slice(0, -1));
    const path = join(root, ...segments);
    const stats = folder === null ? null : await lstatOrNull(path);
    if (stats === null) return null;
    if (!stats.isFile()) throw misplaced(path);
    return headOf(stats);
  }

  async function openBlob(key: string): Promise<{ handle: FileHandle; head: BlobHead } | null> {
    if ((await headOrNull(key)) === null) return null;
    try {
      const path = join(root, ...splitKey(key));
      const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
      return { handle, head: headOf(await handle.stat({ bigint: true })) };
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async function underLock<T>(key: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    const lockName = `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.lock`;
    const lock = await acquireKeyLock(join(temp, lockName), lockStaleMs, signal);
    try {
      const result = await action();
      return result;
    } finally {
      await lock.release();
    }
  }

  /** Moves the temp file to its key, if the precondition holds. */
  async function commit(tempPath: string, key: string, { ifVersion, signal }: PutOptions): Promise<void> {
    const segments = splitKey(key);
    const folder = await makeFolder(segments.slice(0, -1));
    const target = join(root, ...segments);
    if (ifVersion === null) {
      try {
        await link(tempPath, target);
        await unlink(tempPath);
        await syncFolder(folder);
        return;
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === 'EEXIST') throw preconditionFailed(key, 'it exists already');
        // File systems without hard links (FAT, some network mounts) take the lock instead.
        if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
      }
    }
    await underLock(key, signal, async () => {
      const current = (await headOrNull(key))?.version ?? null;
      if (ifVersion !== undefined && current !== ifVersion) {
        throw preconditionFailed(key, current === null ? 'it is not there' : 'somebody else has written it');
      }
      await rename(tempPath, target);
    });
    await syncFolder(folder);
  }

  async function* walk(folder: readonly string[], prefix: string): AsyncGenerator<BlobEntry> {
    const path = await existingFolder(folder);
    if (path === null) return;
    const entries = await readdir(path, { withFileTypes: true });
    // A folder sorts by its name with the slash, which gives the order of the keys themselves, as object stores list them.
    const names = entries
      .filter(entry => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      .map(entry => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort((a, b) => (a < b ? -1 : 1));
    for (const name of names) {
      const key = [...folder, name].join('/');
      if (name.endsWith('/')) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* walk([...folder, name.slice(0, -1)], prefix);
      } else if (key.startsWith(prefix)) {
        const stats = await lstatOrNull(join(path, name));
        if (stats?.isFile()) yield { key, ...headOf(stats) };
      }
    }
  }

  return {
    url,
    check: () =>
      translated(async () => {
        if (!(await stat(root)).isDirectory()) throw misplaced(root);
        await makeFolder([tempFolder]);
        const probe = join(temp, `${randomUUID()}.probe`);
        try {
          await writeTempFile(probe, { kind: 'bytes', bytes: Buffer.from('slipway') }, {});
        } finally {
          await rm(probe, { force: true });
        }
        await removeStaleTemp(temp);
      }),
    head: key => translated(() => headOrNull(key)),
    get: (key, { range, signal } = {}) =>
      translated(async () => {
        signal?.throwIfAborted();
        const opened = await openBlob(key);
        if (opened === null) {
          throw new DomainError('store.not_found', `${key} is not in the store ${url}.`, { key, url });
        }
        const last = opened.head.sizeBytes - 1;
        const { start, end } = range ?? { start: 0, end: last };
        if (range !== undefined && (!Number.isSafeInteger(start) || start < 0 || start > last || end < start)) {
          await opened.handle.close();
          throw new DomainError('input.invalid', `Bytes ${start}-${end} lie outside ${key} of ${last + 1} bytes.`, {
            key,
          });
        }
        return readRange(opened.handle, { start, end: Math.min(end, last) }, signal, translate);
      }),
    read: (key, maxBytes) =>
      translated(async () => {
        const opened = await openBlob(key);
        if (opened === null) return null;
        const { handle, head } = opened;
        try {
          if (head.sizeBytes > maxBytes) {
            throw new DomainError(
              'store.malformed',
              `${key} in the store ${url} has ${head.sizeBytes} bytes, more than the ${maxBytes} that such a document may have. Nothing was read; publish it again.`,
              { key, sizeBytes: head.sizeBytes, maxBytes },
            );
          }
          const bytes = Buffer.alloc(head.sizeBytes);
          for (let done = 0; done < bytes.length; ) {
            const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
            if (bytesRead === 0) return { bytes: bytes.subarray(0, done), version: head.version };
            done += bytesRead;
          }
          return { bytes, version: head.version };
        } finally {
          await handle.close();
        }
      }),
    put: (key, source: BlobSource, putOptions: PutOptions = {}) =>
      translated(async () => {
        splitKey(key);
        await makeFolder([tempFolder]);
        return throughTempFile(temp, source, putOptions, async tempPath => {
          const written = await stat(tempPath, { bigint: true });
          putOptions.signal?.throwIfAborted();
          await commit(tempPath, key, putOptions);
          return headOf(written);
        });
      }),
    // A clone within one file system is what `put` from `localPath` does already.
    copyFrom: async () => null,
    async *list(prefix) {
      try {
        yield* walk(splitPrefix(prefix), prefix);
      } catch (error) {
        throw translate(error);
      }
    },
    delete: key =>
      translated(async () => {
        if ((await headOrNull(key)) === null) return;
        await makeFolder([tempFolder]);
        await underLock(key, undefined, () => rm(join(root, ...splitKey(key)), { force: true }));
      }),
    signedUrl: async () => null,
    localPath: key => join(root, ...splitKey(key)),
  };
}
