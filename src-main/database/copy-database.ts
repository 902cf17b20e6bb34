/** Owns copying a database that is in use: one moment of it, while others go on writing. Knows nothing of where the copy goes. */
import BetterSqlite3 from 'better-sqlite3';
import { DomainError } from '../contract/errors.ts';
import { checkDatabase } from './check-database.ts';
import { schemaVersion } from './migrate.ts';
import { databaseError, lockedError } from './open-sqlite.ts';

/** 4 MiB of usual pages, between two looks at whether to go on. */
const pagesAtOnce = 1_000;

export interface CopiedDatabase {
  readonly schema: number;
  /** Where the main store was at that moment; null before the first start has made it. */
  readonly mainStoreUrl: string | null;
}

/**
 * Copies `file` to `target`, which must not be there, with SQLite's online backup. An open read transaction holds one moment, so writers
 * are neither stopped nor make it begin anew. Source: sqlite.org/backup.html; sqlite.org/isolation.html
 * The copy is checked. Throws `data.corrupt`, `data.newer_version`, `data.busy`, `data.unwritable`, `store.full`.
 */
export async function copyDatabase(
  file: string,
  target: string,
  onProgress: (done: { readonly pages: number; readonly ofPages: number }) => void,
): Promise<CopiedDatabase> {
  let source: BetterSqlite3.Database | null = null;
  try {
    source = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    source.exec('BEGIN');
    const schema = schemaVersion(source);
    const main = source.prepare('SELECT store_url FROM regions WHERE is_main = 1').pluck().get();
    await source.backup(target, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress({ pages: totalPages - remainingPages, ofPages: totalPages });
        return pagesAtOnce;
      },
    });
    // One file, also while it is looked at.
    const copy = new BetterSqlite3(target);
    copy.pragma('journal_mode = DELETE');
    copy.close();
    const damage = checkDatabase(target)?.damage ?? [];
    if (damage.length > 0) {
      throw new DomainError(
        'data.corrupt',
        `${file} is damaged (${damage[0]}), so no backup was made of it. Restore an older one into another folder: slipway restore FILE --data DIR`,
        { damage },
      );
    }
    return { schema, mainStoreUrl: typeof main === 'string' ? main : null };
  } catch (error) {
    throw lockedError(error, file) ?? databaseError(error, file);
  } finally {
    source?.close();
  }
}
