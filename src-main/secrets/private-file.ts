/** Owns files that only this user may read: made whole, synced, mode 0600, and refused when others can read them. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';

async function writeBeside(path: string, bytes: Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const tempPath = join(dirname(path), `.${randomUUID()}.part`);
  const handle = await open(tempPath, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    // Tried again and again on a full disk, it would fill the folder with what is left over.
    await rm(tempPath, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return tempPath;
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

/** Makes the file with mode 0600 unless it is there already; false where it is. May be called by two processes at once. */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const tempPath = await writeBeside(path, bytes);
  try {
    await link(tempPath, path);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(tempPath, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** Replaces the file, mode 0600; after a crash it holds the old bytes or the new ones. */
export async function replacePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  const tempPath = await writeBeside(path, bytes);
  try {
    await rename(tempPath, path);
  } catch (error) {
    await rm(tempPath, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * The bytes of a private file, or null where there is none.
 * Throws `secret.key_unreadable` for a link, a file of another user, one that others may read, or one above `maxBytes`.
 */
export async function readPrivateFile(path: string, maxBytes: number): Promise<Buffer | null> {
  const refuse = (reason: string, cause?: unknown) =>
    new DomainError('secret.key_unreadable', `${path} ${reason}`, { path }, { cause });
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw refuse('is a symbolic link. Put the file itself there.', error);
    throw refuse(`cannot be opened (${code ?? messageOf(error)}). Give this user access to it.`, error);
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > maxBytes) throw refuse('is not a file of this kind. Restore it from a backup.');
    if (process.platform !== 'win32') {
      if ((stats.mode & 0o077) !== 0) throw refuse(`can be read by other users. Run: chmod 600 '${path}'`);
      if (process.getuid !== undefined && stats.uid !== process.getuid()) {
        throw refuse('belongs to another user. Run as that user, or give the file to this one.');
      }
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
