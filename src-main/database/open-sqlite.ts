/** Owns how the SQLite file is opened: pragmas, migrations, and the translation of its errors. */
import BetterSqlite3 from 'better-sqlite3';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { migrate, schemaVersion } from './migrate.ts';

/** How long one try waits for another process's transaction. Short, since SQLite looks ever more seldom; the connection tries again. */
const busyTimeoutMs = 500;

/**
 * Pages in the log before they are copied into the file (16 MiB; SQLite's own number is 1,000). The queue writes the same few pages
 * again and again, and each copy of the log writes them once. Source: sqlite.org/wal.html#ckpt
 */
const checkpointPages = 4_000;

export interface OpenOptions {
  readonly migrateSchema: boolean;
  /** How long a statement waits, in all, for other writers; then `data.busy`. Left out: half a minute. */
  readonly patienceMs?: number;
  /** For writes that a power cut may take back, like a checkup: their commit does not wait for the disk. */
  readonly relaxed?: boolean;
}

/** Throws `data.newer_version`, `data.unwritable`, `data.corrupt`, `store.full`. */
export function openSqlite(file: string, options: OpenOptions): BetterSqlite3.Database {
  let sqlite: BetterSqlite3.Database | null = null;
  try {
    sqlite = new BetterSqlite3(file, { timeout: busyTimeoutMs });
    // Before the first pragma that writes: a file of a newer version stays as it is.
    schemaVersion(sqlite);
    sqlite.pragma('journal_mode = WAL');
    // FULL: what was acknowledged survives a power cut. Source: sqlite.org/pragma.html#pragma_synchronous
    sqlite.pragma(`synchronous = ${options.relaxed ? 'NORMAL' : 'FULL'}`);
    sqlite.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    if (options.migrateSchema) migrate(sqlite);
    sqlite.pragma('foreign_keys = ON');
    return sqlite;
  } catch (error) {
    sqlite?.close();
    throw lockedError(error, file) ?? databaseError(error, file);
  }
}

/** An error of SQLite in our words; what is not one comes back as it is. */
export function databaseError(error: unknown, file: string): unknown {
  if (error instanceof DomainError) return error;
  const code = systemErrorCode(error) ?? '';
  if (code === 'SQLITE_FULL') {
    return new DomainError('store.full', `The disk that holds ${file} is full. Free some space; nothing was lost.`);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new DomainError(
      'data.corrupt',
      `${file} is damaged (${messageOf(error)}). Restore a backup into another folder (slipway restore FILE --data DIR), or move it away, then start again.`,
    );
  }
  // better-sqlite3 looks for the folder itself, and answers with a TypeError without a code.
  const isFolderMissing = error instanceof TypeError && error.message.includes('directory does not exist');
  if (isFolderMissing || /^SQLITE_(?:READONLY|CANTOPEN|PERM)/.test(code)) {
    return new DomainError(
      'data.unwritable',
      `${file} cannot be written (${messageOf(error)}). Check the owner and mode of the folder, or choose another with --data.`,
    );
  }
  return error;
}

/**
 * `data.busy`, where the error says that another program held the lock of the writers for longer than we waited; else null. Apart
 * from `databaseError`, so that who tries again sees SQLite's own code.
 */
export function lockedError(error: unknown, file: string): DomainError | null {
  if (!systemErrorCode(error)?.startsWith('SQLITE_BUSY')) return null;
  return new DomainError(
    'data.busy',
    `Another program keeps ${file} locked. Nothing was written and nothing is lost; it goes on by itself when that program lets go. Look for a backup, a database browser or a virus scanner that has the file open.`,
  );
}
