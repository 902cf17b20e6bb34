/** Owns what must hold of a database after a power cut: it opens, is whole, and stands at a committed state that has all that was acknowledged. */
import { join } from 'node:path';
import { sql } from 'kysely';
import { openDatabase } from '../crash/queue-under-test.ts';
import { stateDigest } from './database-state.ts';
import { type Cut, writeNoise } from './replay.ts';

/** SQLite's index of the WAL, in memory that processes share; what a power cut leaves of it is anything. */
const indexFile = 'slipway.db-shm';
const indexBytes = 32_768;

/** A check of an image, which throws for what is wrong. `states` are the digests of all committed states, oldest first. */
export function queueImageCheck(states: readonly string[]): (cut: Cut) => Promise<void> {
  return async cut => {
    writeNoise(join(cut.folder, indexFile), cut.calls % 2 === 0 ? indexBytes : 0, cut.calls);
    const db = openDatabase(join(cut.folder, 'slipway.db'), { migrateSchema: true });
    try {
      const integrity = JSON.stringify((await sql.raw('pragma integrity_check').execute(db)).rows);
      if (!integrity.includes('"ok"')) throw new Error(`integrity_check says ${integrity}`);
      const { rows } = await sql.raw('pragma foreign_key_check').execute(db);
      if (rows.length > 0) throw new Error(`${rows.length} foreign keys point nowhere`);
      const state = states.indexOf(await stateDigest(db));
      if (state === -1) throw new Error('it is at no committed state');
      const held = cut.acknowledged.length - 1;
      if (state < held) throw new Error(`it is at state ${state}, and ${held} was acknowledged`);
      if (state > held + 1) throw new Error(`it is at state ${state}, beyond the one call after ${held}`);
    } finally {
      await db.destroy();
    }
  };
}
