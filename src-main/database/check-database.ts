/** Owns looking at the database file from outside: whether it is whole, and of which schema. Writes nothing. */
import { existsSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { messageOf } from '../contract/errors.ts';
import { newestSchema, schemaVersion } from './migrate.ts';
import { databaseError } from './open-sqlite.ts';

export interface DatabaseCondition {
  /** What `quick_check` found, empty for a whole file. Source: sqlite.org/pragma.html#pragma_quick_check */
  readonly damage: readonly string[];
  readonly schema: number;
  readonly newestSchema: number;
}

/** More of a damaged file says no more. */
const maxFindings = 10;

function findDamage(sqlite: BetterSqlite3.Database): string[] {
  const damage: string[] = [];
  try {
    const findings = sqlite.prepare<[], string>(`PRAGMA quick_check(${maxFindings})`).pluck();
    for (const finding of findings.iterate()) if (finding !== 'ok') damage.push(finding);
  } catch (error) {
    // The check itself gives up on a page that it cannot read.
    damage.push(messageOf(error));
  }
  return damage;
}

/**
 * Null where there is no file yet. Takes as long as reading the file: for a process that nobody waits for.
 * Throws `data.newer_version`, `data.corrupt`, `data.unwritable`.
 */
export function checkDatabase(file: string): DatabaseCondition | null {
  if (!existsSync(file)) return null;
  let sqlite: BetterSqlite3.Database | null = null;
  try {
    sqlite = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    const schema = schemaVersion(sqlite);
    return { damage: findDamage(sqlite), schema, newestSchema };
  } catch (error) {
    throw databaseError(error, file);
  } finally {
    sqlite?.close();
  }
}
