/** Owns the thread that holds the SQLite file for a process whose event loop must not wait for the disk. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { openSqlite } from './open-sqlite.ts';
import { createStatementRunner, type DatabaseCall } from './statement-runner.ts';
import type { ThreadAnswer, ThreadQuery } from './thread-connection.ts';

const settings = z.object({ file: z.string() }).parse(workerData);

function serve(): void {
  // The schema is brought up to date before the thread starts, by `openDatabase`.
  const sqlite = openSqlite(settings.file, { migrateSchema: false });
  const run = createStatementRunner(sqlite);
  const answer = (id: number, call: DatabaseCall): ThreadAnswer => {
    try {
      return { id, ...run(call) };
    } catch (error) {
      const view = error instanceof DomainError ? error.toView() : null;
      return { id, error: { message: messageOf(error), code: systemErrorCode(error), view } };
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

serve();
