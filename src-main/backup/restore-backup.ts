/** Owns restoring a backup into an empty folder: everything is checked first, and the folder appears whole or not at all. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { checkDatabase } from '../database/check-database.ts';
import { type RestoredPlaces, settleRestored } from '../database/restored-database.ts';
import { dataFolder } from '../domain/data-folder.ts';
import { openKeyring } from '../secrets/keyring.ts';
import { type BackupHeader, damaged, databasePath } from './backup-format.ts';
import { type BackupContents, type EntrySink, readBackup } from './read-backup.ts';

export interface Restored extends RestoredPlaces {
  readonly header: BackupHeader;
  readonly files: number;
  readonly sizeBytes: number;
  /** Null where the master key did not come along. */
  readonly rootPublicKey: string | null;
}

/** Reads the whole backup and holds it to its digests; nothing is written. Throws `backup.damaged`, `not_found`. */
export function checkBackup(file: string, signal: AbortSignal): Promise<BackupContents> {
  return readBackup(file, null, signal);
}

/** Throws `conflict` for a folder that holds something. */
async function assertEmpty(target: string): Promise<void> {
  const found = await readdir(target).catch(error => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw writeError(error, target);
  });
  if (found.length === 0) return;
  throw new DomainError(
    'conflict',
    `${target} is not empty, and a backup is only restored into an empty folder. Choose another one with --data, or move what is there away.`,
    { folder: target },
  );
}

function writeError(error: unknown, target: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DomainError('store.full', `The disk of ${target} is full: nothing was restored. Free some space there.`);
  }
  if (code && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EBUSY', 'EXDEV'].includes(code)) {
    return new DomainError(
      'data.unwritable',
      `${target} cannot be made or written (${code}). Check the folder above it; into a mounted disk, restore into a folder of it.`,
      { folder: target },
    );
  }
  return error;
}

/** Writes entries below `staging`: files 0600, folders 0700, each synced. */
function writerInto(staging: string): EntrySink & { close(): Promise<void> } {
  const made = new Set<string>();
  let handle: FileHandle | null = null;
  return {
    async begin(path) {
      const folder = dirname(join(staging, path));
      if (!made.has(folder)) await mkdir(folder, { recursive: true, mode: 0o700 });
      made.add(folder);
      handle = await open(join(staging, path), 'wx', 0o600);
    },
    async take(bytes) {
      await handle?.writeFile(bytes);
    },
    async end() {
      await handle?.sync();
      await this.close();
    },
    async close() {
      await handle?.close();
      handle = null;
    },
  };
}

/** Opens what is sealed under the master key, where it came along. Throws `secret.key_unreadable`. */
async function checkKeys(header: BackupHeader, staging: string, file: string): Promise<string | null> {
  if (header.keyWrappedBy !== null) return null;
  try {
    return (await openKeyring({ folder: dataFolder(staging).keys })).rootPublicKey;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError(
      'secret.key_unreadable',
      `The keys in ${file} do not open: ${basename(messageOf(error).split('. ')[0] ?? '')}. Nothing was restored. Use a backup from before they were damaged.`,
      { file },
      { cause: error },
    );
  }
}

function checkCopiedDatabase(path: string, file: string): void {
  const condition = checkDatabase(path);
  if (condition === null) throw damaged(file, 'it has no database');
  const [first] = condition.damage;
  if (first === undefined) return;
  throw new DomainError(
    'data.corrupt',
    `The database in ${file} is damaged (${first}). Nothing was restored. Use an older backup.`,
    { file },
  );
}

/**
 * Restores `file` into `folder`, which must be empty or not be there. The backup is read twice: its digests are checked before anything
 * is written. Throws `backup.damaged`, `conflict`, `not_found`, `data.*`, `secret.key_unreadable`, `store.full`; then nothing is left.
 */
export async function restoreBackup(file: string, folder: string, signal: AbortSignal): Promise<Restored> {
  const target = resolve(folder);
  await assertEmpty(target);
  await checkBackup(file, signal);
  const staging = `${target}.restoring-${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const writer = writerInto(staging);
    const { header, entries, sizeBytes } = await readBackup(file, writer, signal).finally(() => writer.close());
    const database = join(staging, databasePath);
    checkCopiedDatabase(database, file);
    const rootPublicKey = await checkKeys(header, staging, file);
    const [from, to] = [dataFolder(header.dataFolder), dataFolder(target)];
    const places = settleRestored(database, {
      mainStore: { from: pathToFileURL(from.mainStore).href, to: pathToFileURL(to.mainStore).href },
      sample: { from: `${from.sample}/`, to: `${to.sample}/` },
      backupAtMs: header.createdAtMs,
    });
    await assertEmpty(target);
    await rmdir(target).catch(() => undefined);
    await rename(staging, target);
    return { ...places, header, files: entries.length, sizeBytes, rootPublicKey };
  } catch (error) {
    throw writeError(error, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
