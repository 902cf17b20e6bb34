/** Owns the thread that holds the SQLite file for a process whose event loop must not wait for the disk. */
import { parentPort, workerData } from 'node:worker_threads';
import type BetterSqlite3 from 'better-sqlite3';
import { z } from 'zod';
import { messageOf, systemErrorCode } from '../contract/errors.ts';
import { openSqlite } from './open-sqlite.ts';
import type { ThreadAnswer, ThreadQuery } from './thread-dialect.ts';

/** Statements are few and used again and again; preparing one costs more than running it. */
const maxPrepared = 300;

const settings = z.object({ file: z.string() }).parse(workerData);

function createRunner(sqlite: BetterSqlite3.Database) {
  const prepared = new Map<string, BetterSqlite3.Statement>();
  const prepare = (sql: string) => {
    const known = prepared.get(sql);
    if (known) return known;
    if (prepared.size >= maxPrepared) prepared.clear();
    const statement = sqlite.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  return ({ id, sql, parameters }: ThreadQuery): ThreadAnswer => {
    try {
      const statement = prepare(sql);
      if (statement.reader) return { id, rows: statement.all(...parameters), changes: null };
      return { id, rows: [], changes: statement.run(...parameters).changes };
    } catch (error) {
      return { id, error: { message: messageOf(error), code: systemErrorCode(error) } };
    }
  };
}

function serve(): void {
  // The schema is brought up to date before the thread starts, by `openDatabase`.
  const sqlite = openSqlite(settings.file, { migrateSchema: false });
  const run = createRunner(sqlite);
  parentPort?.on('message', (query: ThreadQuery | 'close') => {
    if (query === 'close') {
      sqlite.close();
      parentPort?.close();
      return;
    }
    parentPort?.postMessage(run(query));
  });
}

serve();
