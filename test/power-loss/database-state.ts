/** Owns the digest of everything that the queue's tables hold, by which two states of a database are compared. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../crash/queue-under-test.ts';

const tables = ['repositories', 'jobs', 'attempts', 'steps', 'workers', 'packs', 'builds', 'events'];

export async function stateDigest(db: Db): Promise<string> {
  const hash = createHash('sha256');
  for (const table of tables) {
    const { rows } = await sql.raw(`SELECT * FROM ${table} ORDER BY 1, 2`).execute(db);
    hash.update(`${table} ${JSON.stringify(rows)}\n`);
  }
  return hash.digest('hex');
}
