/** Owns the database as the statement files see it: one Kysely over SQLite, in this thread or behind one of its own. */
import {
  CamelCasePlugin,
  type DatabaseConnection,
  type Driver,
  Kysely,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';
import { beginImmediate, rollBack } from './immediate.ts';
import { openSqlite } from './open-sqlite.ts';
import type { Schema } from './schema.ts';
import { ThreadSqliteDialect } from './thread-dialect.ts';

export type Db = Kysely<Schema>;

class ImmediateDriver extends SqliteDriver {
  override beginTransaction(connection: DatabaseConnection): Promise<void> {
    return beginImmediate(connection);
  }

  override rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return rollBack(connection);
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
 * Opens the database file in this thread, and creates or migrates it where `migrateSchema` is set (the engine, never a worker).
 * Throws `data.newer_version`, `data.unwritable`, `data.corrupt`, `store.full`.
 */
export function openDatabase(file: string, options: { readonly migrateSchema: boolean }): Db {
  const database = openSqlite(file, options);
  return new Kysely<Schema>({ dialect: new ImmediateDialect({ database }), plugins: [new CamelCasePlugin()] });
}

/**
 * The same behind a thread, for a process that coordinates: an acknowledged write waits for the disk, an event loop must not.
 * Brings the schema up to date before it returns. Throws what `openDatabase` throws.
 */
export function openDatabaseInThread(file: string): Db {
  openSqlite(file, { migrateSchema: true }).close();
  return new Kysely<Schema>({ dialect: new ThreadSqliteDialect(file), plugins: [new CamelCasePlugin()] });
}

/** Runs `work` in one write transaction. */
export function inTransaction<Result>(db: Db, work: (transaction: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(work);
}
