/** Owns the thread that holds the SQLite file for a process whose event loop must not wait for the disk. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { openSqlite } from './open-sqlite.ts';
import { createStatementRunner, type DatabaseCall } from './statement-runner.ts';
import type { ThreadAnswer, ThreadError, ThreadQuery } from './thread-connection.ts';

const settings = z.object({ file: z.string(), migrates: z.boolean() }).parse(workerData);

function describe(error: unknown): ThreadError {
  const view = error instanceof DomainError ? error.toView() : null;
  return { message: messageOf(error), code: systemErrorCode(error), view };
}

/** Brings the schema up to date, says how that went, and ends. */
function migrate(): void {
  try {
    openSqlite(settings.file, { migrateSchema: true }).close();
    parentPort?.postMessage(null);
  } catch (error) {
    parentPort?.postMessage(describe(error));
  }
}

function serve(): void {
  // The schema is brought up to date before this thread starts.
  const sqlite = openSqlite(settings.file, { migrateSchema: false });
  const run = createStatementRunner(sqlite);
  const answer = (id: number, call: DatabaseCall): ThreadAnswer => {
    try {
      return { id, ...run(call) };
    } catch (error) {
      return { id, error: describe(error) };
    }
  };
  parentPort?.on('message', (query: ThreadQuery | 'close') => {
    if (query === 'close') {
      sqlite.close();
      parentPort?.close();
      return;
    }
    parentPort?.postMessage(answer(query.id, query.call));
  });
}

if (settings.migrates) migrate();
else serve();
