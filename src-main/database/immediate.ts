/** Owns how a write transaction begins, and how one ends that failed. */
import { CompiledQuery, type DatabaseConnection } from 'kysely';
import { messageOf } from '../contract/errors.ts';

/** IMMEDIATE, or WAL answers BUSY at once to the second writer. Source: sqlite.org/lang_transaction.html */
export async function beginImmediate(connection: DatabaseConnection): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw('begin immediate'));
}

/**
 * Rolls back. On a full disk and after I/O errors SQLite has done so by itself, and its refusal of a second rollback must not
 * take the place of the error that says why. Source: sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"
 */
export async function rollBack(connection: DatabaseConnection): Promise<void> {
  try {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  } catch (error) {
    if (!messageOf(error).includes('no transaction is active')) throw error;
  }
}
