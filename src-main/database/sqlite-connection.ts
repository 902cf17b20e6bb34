/** Owns the one connection to a SQLite file as Kysely sees it, whichever thread it lives in, and the patience with other writers. */
import { setTimeout as delay } from 'node:timers/promises';
import type BetterSqlite3 from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { messageOf, systemErrorCode } from '../contract/errors.ts';
import type { QueueCall } from './job-queue.ts';
import { lockedError } from './open-sqlite.ts';
import { createStatementRunner, type DatabaseAnswer, type DatabaseCall } from './statement-runner.ts';

/** Carries calls to where the file is open, one at a time and in order. */
export interface SqliteBackend {
  call(call: DatabaseCall): DatabaseAnswer | Promise<DatabaseAnswer>;
  close(): void | Promise<void>;
}

/** The backend in this thread. */
export function directBackend(sqlite: BetterSqlite3.Database): SqliteBackend {
  return { call: createStatementRunner(sqlite), close: () => void sqlite.close() };
}

/** How long other writers may keep us from writing before the caller hears of it. Ours are done within milliseconds. */
const usualPatienceMs = 30_000;
/** Between two tries, at most: spread, so that those who wait do not come back as one. */
const pauseMs = 20;

const isBusy = (error: unknown) => systemErrorCode(error)?.startsWith('SQLITE_BUSY') === true;

export class SqliteConnection implements DatabaseConnection {
  readonly #backend: SqliteBackend;
  readonly #patienceMs: number;

  constructor(backend: SqliteBackend, patienceMs: number) {
    this.#backend = backend;
    this.#patienceMs = patienceMs;
  }

  /**
   * SQLite's own waiting is not fair: it looks again ever more seldom, so one writer among many may wait in vain. Each try begins
   * anew here. A refused statement has changed nothing: what is refused is the lock of the writers, which a transaction of ours
   * takes as it begins. Source: sqlite.org/c3ref/busy_timeout.html, sqlite.org/rescode.html#busy
   */
  async #patiently(call: DatabaseCall): Promise<DatabaseAnswer> {
    const until = performance.now() + this.#patienceMs;
    for (;;) {
      try {
        // Kept in this turn of the event loop where the file is open in this thread: a transaction then lasts no longer than its work.
        const answer = this.#backend.call(call);
        return answer instanceof Promise ? await answer : answer;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() >= until) throw lockedError(error, 'the database of the data folder') ?? error;
      }
      await delay(Math.random() * pauseMs);
    }
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const answer = await this.#patiently({ sql, parameters });
    const rows = answer.rows as Row[];
    return answer.changes === null ? { rows } : { rows, numAffectedRows: BigInt(answer.changes) };
  }

  /** Carries out an operation of the queue; in the transaction that is open, or in its own. */
  async callQueue(call: QueueCall): Promise<unknown> {
    return (await this.#patiently(call)).result;
  }

  // biome-ignore lint/correctness/useYield: no caller streams; a stream would hold the one connection open
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Statements are not streamed; read a page at a time.');
  }

  async close(): Promise<void> {
    await this.#backend.close();
  }
}

class ConnectionDriver implements Driver {
  readonly #open: () => SqliteBackend;
  readonly #patienceMs: number;
  #connection: SqliteConnection | null = null;

  constructor(open: () => SqliteBackend, patienceMs: number) {
    this.#open = open;
    this.#patienceMs = patienceMs;
  }

  async init(): Promise<void> {
    this.#connection = new SqliteConnection(this.#open(), this.#patienceMs);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    // Kysely calls `init` first, and hands the one connection to one caller at a time.
    if (!this.#connection) throw new Error('The database was not opened.');
    return this.#connection;
  }

  /** IMMEDIATE, or WAL answers BUSY at once to the second writer. Source: sqlite.org/lang_transaction.html */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  /**
   * On a full disk and after I/O errors SQLite has rolled back by itself, and its refusal of a second rollback must not take the
   * place of the error that says why. Source: sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"
   */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch (error) {
      if (!messageOf(error).includes('no transaction is active')) throw error;
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#connection?.close();
  }
}

/** SQLite through a backend, which is opened when the database is first used. */
export class SqliteBackendDialect implements Dialect {
  readonly #open: () => SqliteBackend;
  readonly #patienceMs: number;

  constructor(open: () => SqliteBackend, patienceMs = usualPatienceMs) {
    this.#open = open;
    this.#patienceMs = patienceMs;
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }

  createDriver(): Driver {
    return new ConnectionDriver(this.#open, this.#patienceMs);
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }
}
