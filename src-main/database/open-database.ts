/** Owns how the SQLite file is opened: pragmas, the immediate transaction, and the translation of its errors. */
import BetterSqlite3 from 'better-sqlite3';
import {
  CamelCasePlugin,
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';

export type Db = Kysely<Schema>;

/** How long a writer waits for another process's transaction before SQLite gives up. Ours last milliseconds. */
const busyTimeoutMs = 10_000;

/** Write transactions begin IMMEDIATE, or WAL answers BUSY at once to the second writer. Source: sqlite.org/lang_transaction.html */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

class ImmediateDialect extends SqliteDialect {
  readonly #settings: SqliteDialectConfig;

  constructor(settings: SqliteDialectConfig) {
    super(settings);
    this.#settings = settings;
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.#settings);
  }
}

/**
 * Opens the database file, creates or migrates it where `migrateSchema` is set (the engine), and never otherwise (a worker).
 * Throws `data.newer_version`, `data.unwritable`, `data.corrupt`, `store.full`.
 */
export function openDatabase(file: string, options: { readonly migrateSchema: boolean }): Db {
  let sqlite: BetterSqlite3.Database;
  try {
    sqlite = new BetterSqlite3(file, { timeout: busyTimeoutMs });
    sqlite.pragma('journal_mode = WAL');
    // FULL: what was acknowledged survives a power cut. Source: sqlite.org/pragma.html#pragma_synchronous
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('foreign_keys = ON');
    if (options.migrateSchema) migrate(sqlite);
  } catch (error) {
    throw databaseError(error, file);
  }
  return new Kysely<Schema>({
    dialect: new ImmediateDialect({ database: sqlite }),
    plugins: [new CamelCasePlugin()],
  });
}

/** Runs `work` in one write transaction. */
export function inTransaction<Result>(db: Db, work: (transaction: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(work);
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
      `${file} is damaged (${messageOf(error)}). Move it away or restore a backup, then start again.`,
    );
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_PERM')) {
    return new DomainError(
      'data.unwritable',
      `${file} cannot be written (${messageOf(error)}). Check the owner and mode of the folder, or choose another with --data.`,
    );
  }
  return error;
}
