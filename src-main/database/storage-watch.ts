/** Owns the look at whether the database can be written: a small write of its own every few seconds, past every queue of statements. */
import { performance } from 'node:perf_hooks';
import BetterSqlite3 from 'better-sqlite3';
import { DomainError, messageOf } from '../contract/errors.ts';
import { databaseError, lockedError } from './open-sqlite.ts';
import type { SettingKey } from './settings.ts';

/** Soon enough for a person who wonders, and little beside the checkups of the workers. */
const lookEveryMs = 2_000;
/** Other writers of ours hold the lock for milliseconds, and several in a row may meet a look; so long they do not. */
const busyAfterMs = 4_000;
const key: SettingKey = 'storage.checked';

export interface StorageWatch {
  /** Why nothing can be written now: `store.full`, `data.unwritable`, `data.busy`, `data.corrupt`; null when all is well. */
  readonly problem: DomainError | null;
  start(): void;
  stop(): void;
}

/** Watches a database file that is open and migrated. `onChanged` hears of a problem that comes or goes. */
export function createStorageWatch(options: { readonly file: string; readonly onChanged: () => void }): StorageWatch {
  let sqlite: BetterSqlite3.Database | null = null;
  let timer: NodeJS.Timeout | null = null;
  let problem: DomainError | null = null;
  /** On the monotonic clock; null when the last look met no lock. */
  let busySince: number | null = null;

  function open(): BetterSqlite3.Database {
    // Never waits, since it would hold the event loop; nor syncs, since a look may be lost. The log is left to those who sync.
    const opened = new BetterSqlite3(options.file, { timeout: 0, fileMustExist: true });
    opened.pragma('synchronous = NORMAL');
    opened.pragma('wal_autocheckpoint = 0');
    return opened;
  }

  function write(): void {
    sqlite ??= open();
    sqlite
      .prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
      .run(key, String(Date.now()));
  }

  function problemOf(caught: unknown): DomainError | null {
    const error = lockedError(caught, options.file) ?? databaseError(caught, options.file);
    const known =
      error instanceof DomainError
        ? error
        : new DomainError(
            'data.unwritable',
            `${options.file} cannot be written (${messageOf(caught)}). Check the disk.`,
          );
    if (known.code !== 'data.busy') {
      busySince = null;
      return known;
    }
    busySince ??= performance.now();
    return performance.now() - busySince >= busyAfterMs ? known : problem;
  }

  function look(): void {
    const before = problem?.code;
    try {
      write();
      busySince = null;
      problem = null;
    } catch (caught) {
      problem = problemOf(caught);
    }
    if (problem?.code !== before) options.onChanged();
  }

  return {
    get problem() {
      return problem;
    },
    start() {
      timer ??= setInterval(look, lookEveryMs);
    },
    stop() {
      if (timer) clearInterval(timer);
      timer = null;
      sqlite?.close();
      sqlite = null;
    },
  };
}
