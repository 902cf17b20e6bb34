/** Owns the way to a SQLite file behind a thread: an event loop that coordinates never waits for the disk. */
import { Worker } from 'node:worker_threads';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import { threadPath } from '../process/entry-points.ts';
import { databaseError } from './open-sqlite.ts';
import type { SqliteBackend } from './sqlite-connection.ts';
import type { DatabaseAnswer, DatabaseCall } from './statement-runner.ts';

export interface ThreadQuery {
  readonly id: number;
  readonly call: DatabaseCall;
}

export interface ThreadError {
  readonly message: string;
  readonly code: string | null;
  /** Of an error of ours. */
  readonly view: ErrorView | null;
}

export type ThreadAnswer = { readonly id: number } & (DatabaseAnswer | { readonly error: ThreadError });

interface Waiting {
  readonly resolve: (answer: ThreadAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** An error of SQLite as better-sqlite3 throws it, carried over from the thread. */
class ThreadSqliteError extends Error {
  readonly code: string | null;

  constructor({ message, code }: ThreadError) {
    super(message);
    this.name = 'SqliteError';
    this.code = code;
  }
}

function ofThread(error: ThreadError, file: string): unknown {
  return error.view ? DomainError.fromView(error.view) : databaseError(new ThreadSqliteError(error), file);
}

/**
 * Brings the schema of a file up to date, in a thread of its own: a first start makes every table, and a new version may write every row.
 * Throws what `openSqlite` throws.
 */
export async function migrateInThread(file: string): Promise<void> {
  const thread = new Worker(threadPath('database-thread'), { workerData: { file, migrates: true } });
  const error = await new Promise<ThreadError | null>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('The thread that brings the schema up to date has ended.')));
  });
  if (error !== null) throw ofThread(error, file);
}

/** Starts the thread on a file whose schema is up to date. */
export function threadBackend(file: string): SqliteBackend {
  const thread = new Worker(threadPath('database-thread'), { workerData: { file, migrates: false } });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let ended: Error | null = null;

  const fail = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  thread.on('message', (answer: ThreadAnswer) => {
    waiting.get(answer.id)?.resolve(answer);
    waiting.delete(answer.id);
  });
  thread.on('error', error => fail(error instanceof Error ? error : new Error(String(error))));
  thread.on('exit', () => fail(new Error('The database thread has ended.')));

  return {
    async call(call) {
      if (ended) throw ended;
      const id = nextId++;
      const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        thread.postMessage({ id, call } satisfies ThreadQuery);
      });
      if (!('error' in answer)) return answer;
      throw ofThread(answer.error, file);
    },
    async close() {
      if (ended) return;
      const exited = new Promise<void>(resolve => thread.once('exit', () => resolve()));
      thread.postMessage('close');
      await exited;
    },
  };
}
