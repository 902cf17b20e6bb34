/** Owns the queue on SQLite: each operation as one transaction on a connection, or inside the one that is open. */
import type BetterSqlite3 from 'better-sqlite3';
import type { QueueImplementation } from '../job-queue.ts';
import { type JobStatements, prepareJobStatements } from './job-statements.ts';
import { cancel, enqueue, enqueuePolled, position, retry } from './queued-jobs.ts';
import { claim, finish, finishAndClaim, release } from './running-jobs.ts';

/** The operations on a connection. They throw `job.fenced`, `not_found`, `conflict`, and what SQLite throws. */
export function createSqliteQueue(sqlite: BetterSqlite3.Database): QueueImplementation {
  const statements = prepareJobStatements(sqlite);
  type Operation<Request, Result> = (statements: JobStatements, request: Request) => Result;

  /** Takes the lock of the writers first; inside an open transaction it is a savepoint. */
  function writing<Request, Result>(operation: Operation<Request, Result>) {
    const transaction = sqlite.transaction((request: Request) => operation(statements, request));
    return (request: Request): Result => transaction.immediate(request);
  }
  /** Sees the rows of one moment, and hinders no writer. */
  function reading<Request, Result>(operation: Operation<Request, Result>) {
    const transaction = sqlite.transaction((request: Request) => operation(statements, request));
    return (request: Request): Result => transaction.deferred(request);
  }
  const enqueueInTransaction = writing(enqueue);
  return {
    enqueue: request => enqueuePolled(statements, request) ?? enqueueInTransaction(request),
    claim: writing(claim),
    finish: writing(finish),
    finishAndClaim: writing(finishAndClaim),
    release: writing(release),
    cancel: writing(cancel),
    retry: writing(retry),
    position: reading(position),
  };
}
