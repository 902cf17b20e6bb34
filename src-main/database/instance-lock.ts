/** Owns the lock that keeps a data folder to one engine. The operating system lets go of it when the process ends, however it ends. */
import BetterSqlite3 from 'better-sqlite3';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { databaseError } from './open-sqlite.ts';

export interface InstanceLock {
  release(): void;
}

/** Takes the lock in `file` or throws `data.locked`. */
export function lockInstance(file: string, folder: string): InstanceLock {
  let lock: BetterSqlite3.Database | null = null;
  try {
    lock = new BetterSqlite3(file, { timeout: 0 });
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (systemErrorCode(error)?.startsWith('SQLITE_BUSY')) {
      throw new DomainError(
        'data.locked',
        `Another Slipway runs on ${folder}. Use that one, end it, or choose another folder with --data.`,
        { folder },
      );
    }
    throw databaseError(error, file);
  }
  const held = lock;
  return { release: () => held.close() };
}
