/** Owns how a write transaction begins. */
import { CompiledQuery, type DatabaseConnection } from 'kysely';

/** IMMEDIATE, or WAL answers BUSY at once to the second writer. Source: sqlite.org/lang_transaction.html */
export async function beginImmediate(connection: DatabaseConnection): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw('begin immediate'));
}
