/** Owns SQLite behind a thread, as a dialect of Kysely: the same statements, and an event loop that never waits for the disk. */
import { Worker } from 'node:worker_threads';
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
import { threadPath } from '../process/entry-points.ts';
import { beginImmediate, rollBack } from './immediate.ts';
import { databaseError, lockedError } from './open-sqlite.ts';

export interface ThreadQuery {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type ThreadAnswer =
  | { readonly id: number; readonly rows: unknown[]; readonly changes: number | null }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string | null } };

interface Waiting {
  readonly resolve: (answer: ThreadAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** An error of SQLite as better-sqlite3 throws it, carried over from the thread. */
class ThreadSqliteError extends Error {
  readonly code: string | null;

  constructor({ message, code }: { readonly message: string; readonly code: string | null }) {
    super(message);
    this.name = 'SqliteError';
    this.code = code;
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #file: string;
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: Error | null = null;

  constructor(file: string) {
    this.#file = file;
    this.#thread = new Worker(threadPath('database-thread'), { workerData: { file } });
    this.#thread.on('message', (answer: ThreadAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    this.#thread.on('error', error => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#thread.on('exit', () => this.#fail(new Error('The database thread has ended.')));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#ended) throw this.#ended;
    const id = this.#nextId++;
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.postMessage({ id, sql, parameters } satisfies ThreadQuery);
    });
    if ('error' in answer) {
      const error = new ThreadSqliteError(answer.error);
      throw lockedError(error, this.#file) ?? databaseError(error, this.#file);
    }
    const rows = answer.rows as Row[];
    return answer.changes === null ? { rows } : { rows, numAffectedRows: BigInt(answer.changes) };
  }

  // biome-ignore lint/correctness/useYield: no caller streams; a stream would hold the one connection open
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('Statements are not streamed; read a page at a time.');
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const exited = new Promise<void>(resolve => this.#thread.once('exit', () => resolve()));
    this.#thread.postMessage('close');
    await exited;
  }
}

class ThreadDriver implements Driver {
  readonly #file: string;
  #connection: ThreadConnection | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {
    this.#connection = new ThreadConnection(this.#file);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    // Kysely calls `init` first, and hands the one connection to one caller at a time.
    if (!this.#connection) throw new Error('The database was not opened.');
    return this.#connection;
  }

  beginTransaction(connection: DatabaseConnection): Promise<void> {
    return beginImmediate(connection);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await rollBack(connection);
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#connection?.close();
  }
}

export class ThreadSqliteDialect implements Dialect {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }

  createDriver(): Driver {
    return new ThreadDriver(this.#file);
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }
}
