import { writeFile } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { appendEvent, listEvents } from '../../../src-main/database/events.ts';
import { newestSchema } from '../../../src-main/database/migrate.ts';
import { type Db, inTransaction, openDatabaseInThread } from '../../../src-main/database/open-database.ts';
import { readSetting, writeSetting } from '../../../src-main/database/settings.ts';
import { migrateInThread } from '../../../src-main/database/thread-connection.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function openInThread(): Promise<{ readonly db: Db; readonly file: string }> {
  const file = `${await scratchFolder()}/slipway.db`;
  const db = openDatabaseInThread(file);
  onTestFinished(() => db.destroy());
  return { db, file };
}

it('keeps statements of others out of a transaction that waits', async () => {
  const { db } = await openInThread();
  let goOn = () => {};
  const waiting = new Promise<void>(resolve => {
    goOn = resolve;
  });
  const transaction = inTransaction(db, async inside => {
    await writeSetting(inside, 'trust.serial', '1');
    await waiting;
    throw new Error('taken back');
  });
  const outside = writeSetting(db, 'seeder.sequence', '5');
  goOn();
  await expect(transaction).rejects.toThrow('taken back');
  await outside;
  expect(await readSetting(db, 'trust.serial')).toBeNull();
  expect(await readSetting(db, 'seeder.sequence')).toBe('5');
});

it('runs many transactions at once one after another', async () => {
  const { db } = await openInThread();
  const turns = Array.from({ length: 50 }, () =>
    inTransaction(db, async transaction => {
      const count = Number((await readSetting(transaction, 'trust.serial')) ?? 0);
      await writeSetting(transaction, 'trust.serial', String(count + 1));
      await appendEvent(transaction, { type: 'worker.changed', at: count });
    }),
  );
  await Promise.all(turns);
  expect(await readSetting(db, 'trust.serial')).toBe('50');
  expect((await listEvents(db, { after: 0, limit: 100 })).map(event => event.atMs)).toEqual(turns.map((_, at) => at));
});

it('carries the code of an error over, and goes on', async () => {
  const { db } = await openInThread();
  const broken = sql`insert into settings (key, value) values (null, 'x')`.execute(db);
  await expect(broken).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_NOTNULL' });
  await writeSetting(db, 'trust.serial', '3');
  expect(await readSetting(db, 'trust.serial')).toBe('3');
});

it('has written everything when it is closed', async () => {
  const { db, file } = await openInThread();
  await writeSetting(db, 'trust.serial', '4');
  await db.destroy();
  await expect(readSetting(db, 'trust.serial')).rejects.toThrow();
  const again = openDatabaseInThread(file);
  expect(await readSetting(again, 'trust.serial')).toBe('4');
  await again.destroy();
});

it('refuses a file that is missing its folder before any thread is started', async () => {
  const file = `${await scratchFolder()}/missing/slipway.db`;
  expect(() => openDatabaseInThread(file)).toThrow(expect.objectContaining({ code: 'data.unwritable' }));
});

it('makes the schema in a thread of its own, and says there why it cannot', async () => {
  const file = `${await scratchFolder()}/slipway.db`;
  await migrateInThread(file);
  const sqlite = new BetterSqlite3(file);
  expect(sqlite.pragma('user_version', { simple: true })).toBe(newestSchema);
  sqlite.pragma('user_version = 999');
  sqlite.close();
  await expect(migrateInThread(file)).rejects.toMatchObject({ code: 'data.newer_version' });
  await expect(migrateInThread(`${file}/missing/slipway.db`)).rejects.toMatchObject({ code: 'data.unwritable' });
  await writeFile(file, 'not a database, but long enough to be looked at as one'.repeat(100));
  await expect(migrateInThread(file)).rejects.toMatchObject({ code: 'data.corrupt' });
});
