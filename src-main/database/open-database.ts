/** Owns the database as the statement files see it: one Kysely over SQLite, in this thread or behind one of its own. */
import { CamelCasePlugin, Kysely } from 'kysely';
import type { QueueCall, QueueOperation, QueueResults } from './job-queue.ts';
import { type OpenOptions, openSqlite } from './open-sqlite.ts';
import type { Schema } from './schema.ts';
import {
  directBackend,
  type SqliteBackend,
  SqliteConnection,
  SqliteLane,
  SqliteLaneDialect,
} from './sqlite-connection.ts';
import { threadBackend } from './thread-connection.ts';

export type Db = Kysely<Schema>;

/** Of each database that was opened; a transaction has none. */
const lanes = new WeakMap<Db, SqliteLane>();

function createDb(open: () => SqliteBackend, patienceMs?: number): Db {
  const lane = new SqliteLane(open, patienceMs);
  const db = new Kysely<Schema>({ dialect: new SqliteLaneDialect(lane), plugins: [new CamelCasePlugin()] });
  lanes.set(db, lane);
  return db;
}

/**
 * Opens the database file in this thread, and creates or migrates it where `migrateSchema` is set (the engine, never a worker).
 * Throws `data.newer_version`, `data.unwritable`, `data.corrupt`, `store.full`. Its statements throw `data.busy` when another
 * program keeps the file locked.
 */
export function openDatabase(file: string, options: OpenOptions): Db {
  const sqlite = openSqlite(file, options);
  return createDb(() => directBackend(sqlite), options.patienceMs);
}

/**
 * The same behind a thread, for a process that coordinates: an acknowledged write waits for the disk, an event loop must not.
 * Brings the schema up to date before it returns; `migrateInThread` before it leaves nothing to do. Throws what `openDatabase` throws.
 */
export function openDatabaseInThread(file: string): Db {
  openSqlite(file, { migrateSchema: true }).close();
  return createDb(() => threadBackend(file));
}

/** Runs `work` in one write transaction. */
export function inTransaction<Result>(db: Db, work: (transaction: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(work);
}

/**
 * Carries out one operation of the queue (see `QueueImplementation`): where the database lies behind a thread, the whole
 * transaction is one message. Throws `job.fenced`, `not_found`, `conflict`, `data.busy`.
 */
export async function callQueue<Name extends QueueOperation>(
  db: Db,
  call: QueueCall & { readonly operation: Name },
): Promise<QueueResults[Name]> {
  const lane = lanes.get(db);
  if (lane) return (await lane.callQueue(call)) as QueueResults[Name];
  const result = await db.getExecutor().provideConnection(async connection => {
    if (!(connection instanceof SqliteConnection)) throw new Error('This database has no queue.');
    return (await connection.call(call)).result;
  });
  return result as QueueResults[Name];
}
