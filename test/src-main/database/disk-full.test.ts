/** A full disk, as the database tells of it. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import {
  type Db,
  inTransaction,
  openDatabase,
  openDatabaseInThread,
} from '../../../src-main/database/open-database.ts';
import { readSetting, writeSetting } from '../../../src-main/database/settings.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

it.for<[string, string, (file: string) => Db]>([
  ['in a thread', 'store.full', openDatabaseInThread],
  ['in this thread', 'SQLITE_FULL', file => openDatabase(file, { migrateSchema: true })],
])('a full disk is the error of the transaction, whose writes are taken back: %s', async ([, code, open]) => {
  const db = open(`${await scratchFolder()}/slipway.db`);
  try {
    // SQLite's own limit ends in the same error as a disk without space.
    const pages = await sql<{ page_count: number }>`pragma page_count`.execute(db);
    const count = Object.values(pages.rows[0] ?? {})[0];
    await sql.raw(`pragma max_page_count = ${count}`).execute(db);
    const filling = inTransaction(db, async transaction => {
      await writeSetting(transaction, 'trust.serial', '1');
      await writeSetting(transaction, 'seeder.sequence', 'x'.repeat(1_000_000));
    });
    await expect(filling).rejects.toMatchObject({ code });
    expect(await readSetting(db, 'trust.serial')).toBeNull();
    await sql.raw('pragma max_page_count = 1000000').execute(db);
    await inTransaction(db, transaction => writeSetting(transaction, 'trust.serial', '2'));
    expect(await readSetting(db, 'trust.serial')).toBe('2');
  } finally {
    await db.destroy();
  }
});
