/** Owns what is done on one SQLite connection: a statement, or an operation of the queue as a whole. In this thread or in one of its own. */
import type BetterSqlite3 from 'better-sqlite3';
import type { QueueCall, QueueOperation, QueueResults } from './job-queue.ts';
import { createSqliteQueue } from './queue/sqlite-queue.ts';

/** One statement, as it travels to whoever carries it out. */
export interface StatementCall {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}
export type DatabaseCall = StatementCall | QueueCall;

/** What a statement or an operation answered. `changes` is null for what returns rows. */
export interface DatabaseAnswer {
  readonly rows: unknown[];
  readonly changes: number | null;
  /** Of an operation of the queue. */
  readonly result?: unknown;
}

/** Statements are few and used again and again; preparing one costs more than running it. */
const maxPrepared = 300;

/** Throws what SQLite throws, and what the operations of the queue throw. */
export function createStatementRunner(sqlite: BetterSqlite3.Database): (call: DatabaseCall) => DatabaseAnswer {
  const prepared = new Map<string, BetterSqlite3.Statement>();
  const queue = createSqliteQueue(sqlite);
  const callQueue = <Name extends QueueOperation>(call: QueueCall<Name>): QueueResults[Name] =>
    queue[call.operation](call.request);
  const prepare = (sql: string) => {
    const known = prepared.get(sql);
    if (known) return known;
    if (prepared.size >= maxPrepared) prepared.clear();
    const statement = sqlite.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  return call => {
    if ('operation' in call) return { rows: [], changes: null, result: callQueue(call) };
    const statement = prepare(call.sql);
    if (statement.reader) return { rows: statement.all(...call.parameters), changes: null };
    return { rows: [], changes: statement.run(...call.parameters).changes };
  };
}
