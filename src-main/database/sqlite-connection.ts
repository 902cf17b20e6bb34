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
/** When the file has been locked for so long, the next caller hears of it sooner: many wait in line, and each would wait anew. */
const shortPatienceMs = 1_000;
/** Between two tries, at most: spread, so that those who wait do not come back as one. */
const pauseMs = 20;

const isBusy = (error: unknown) => systemErrorCode(error)?.startsWith('SQLITE_BUSY') === true;

export class SqliteConnection implements DatabaseConnection {
  readonly #backend: SqliteBackend;
  readonly #patienceMs: number;
  /** Since when nobody of ours could write, on the monotonic clock; null while all is well. */
  #lockedSince: number | null = null;

  constructor(backend: SqliteBackend, patienceMs: number) {
    this.#backend = backend;
    this.#patienceMs = patienceMs;
  }

  /**
   * Carries out a call. Where the file is open in this thread the answer is there at once: a transaction lasts no longer than its
   * work, and an operation of the queue costs no turn of the event loop.
   */
  call(call: DatabaseCall): DatabaseAnswer | Promise<DatabaseAnswer> {
    try {
      const answer = this.#backend.call(call);
      if (!(answer instanceof Promise)) return this.#done(call, answer);
      return answer.then(
        done => this.#done(call, done),
        error => this.#callAgain(call, error),
      );
    } catch (error) {
      return this.#callAgain(call, error);
    }
  }

  /** A reader is never locked out, so only a write shows that the lock is gone. */
  #done(call: DatabaseCall, answer: DatabaseAnswer): DatabaseAnswer {
    if (this.#lockedSince !== null && (!('sql' in call) || /^\s*(begin|insert|update|delete)/i.test(call.sql))) {
      this.#lockedSince = null;
    }
    return answer;
  }

  /**
   * SQLite's own waiting is not fair: it looks again ever more seldom, so one writer among many may wait in vain. Each try begins
   * anew here. A refused statement has changed nothing: what is refused is the lock of the writers, which a transaction of ours
   * takes as it begins. Source: sqlite.org/c3ref/busy_timeout.html, sqlite.org/rescode.html#busy
   */
  async #callAgain(call: DatabaseCall, firstError: unknown): Promise<DatabaseAnswer> {
    if (!isBusy(firstError)) throw firstError;
    const now = performance.now();
    this.#lockedSince ??= now;
    const until = Math.max(this.#lockedSince + this.#patienceMs, now + Math.min(this.#patienceMs, shortPatienceMs));
    for (let error = firstError; ; ) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= until) throw lockedError(error, 'the database of the data folder') ?? error;
      await delay(Math.random() * pauseMs);
      try {
        const answer = await this.#backend.call(call);
        this.#lockedSince = null;
        return answer;
      } catch (next) {
        error = next;
      }
    }
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const called = this.call({ sql, parameters });
    const answer = called instanceof Promise ? await called : called;
    const rows = answer.rows as Row[];
    return answer.changes === null ? { rows } : { rows, numAffectedRows: BigInt(answer.changes) };
  }

  /** No caller streams: a stream would hold the one connection open. */
  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Statements are not streamed; read a page at a time.');
  }

  async close(): Promise<void> {
    await this.#backend.close();
  }
}

/**
 * The one connection to a file, for one caller at a time: a transaction is many calls, and nobody else's may come between them. A
 * queue's operation is one call, and needs neither the compiler nor the driver of Kysely, which cost more than it does.
 */
export class SqliteLane {
  readonly #open: () => SqliteBackend;
  readonly #patienceMs: number;
  readonly #waiting: (() => void)[] = [];
  #connection: SqliteConnection | null = null;
  #isFree = true;
  #isClosed = false;

  /** The file is opened when the connection is first taken. */
  constructor(open: () => SqliteBackend, patienceMs = usualPatienceMs) {
    this.#open = open;
    this.#patienceMs = patienceMs;
  }

  /** In the order of the calls; who took the connection gives it back by `release`. */
  async take(): Promise<SqliteConnection> {
    if (!this.#isFree) await new Promise<void>(resolve => this.#waiting.push(resolve));
    return this.#taken();
  }

  #taken(): SqliteConnection {
    this.#isFree = false;
    try {
      if (this.#isClosed) throw new Error('The database was closed.');
      this.#connection ??= new SqliteConnection(this.#open(), this.#patienceMs);
      return this.#connection;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#isFree = true;
  }

  /** Carries out an operation of the queue, outside of any transaction. */
  async callQueue(call: QueueCall): Promise<unknown> {
    const connection = this.#isFree ? this.#taken() : await this.take();
    try {
      const called = connection.call(call);
      return (called instanceof Promise ? await called : called).result;
    } finally {
      this.release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }
}

class ConnectionDriver implements Driver {
  readonly #lane: SqliteLane;

  constructor(lane: SqliteLane) {
    this.#lane = lane;
  }

  async init(): Promise<void> {}

  acquireConnection(): Promise<DatabaseConnection> {
    return this.#lane.take();
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

  async releaseConnection(): Promise<void> {
    this.#lane.release();
  }

  async destroy(): Promise<void> {
    await this.#lane.close();
  }
}

/** The lane lets one caller at a time have the connection; Kysely need not. */
class LaneAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** SQLite through a lane. */
export class SqliteLaneDialect implements Dialect {
  readonly #lane: SqliteLane;

  constructor(lane: SqliteLane) {
    this.#lane = lane;
  }

  createAdapter(): DialectAdapter {
    return new LaneAdapter();
  }

  createDriver(): Driver {
    return new ConnectionDriver(this.#lane);
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }
}
