import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase, openDatabaseInThread } from '../../../src-main/database/open-database.ts';
import { readSetting, writeSetting } from '../../../src-main/database/settings.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';

/** Another program that has the file locked for writing. */
function lock(file: string): BetterSqlite3.Database {
  const other = new BetterSqlite3(file);
  onTestFinished(() => void other.close());
  other.exec('BEGIN IMMEDIATE');
  return other;
}

it.each([
  ['in this thread', (file: string) => openDatabase(file, { migrateSchema: false })],
  ['behind a thread', openDatabaseInThread],
])('waits longer for another writer than SQLite does by itself: %s', async (_where, open) => {
  const { db, file } = await testDatabase();
  const job = await addJob(db, await addRepository(db));
  const worker = await addWorker(db);
  const mine = open(file);
  onTestFinished(() => mine.destroy());
  await readSetting(mine, 'trust.serial');
  const other = lock(file);
  const [claimed] = await Promise.all([
    claimNextJob(mine, worker, 10),
    writeSetting(mine, 'trust.serial', '9'),
    // Longer than one try of SQLite: the callers have been turned away before, and have not heard of it.
    new Promise<void>(resolve => setTimeout(resolve, 1_200)).then(() => void other.exec('COMMIT')),
  ]);
  expect(claimed?.job.id).toBe(job.id);
  expect(await readSetting(mine, 'trust.serial')).toBe('9');
});

it('tells of a program that never lets go, and goes on when it has', async () => {
  const { db, file } = await testDatabase();
  const job = await addJob(db, await addRepository(db));
  const worker = await addWorker(db);
  const mine = openDatabase(file, { migrateSchema: false, patienceMs: 0 });
  onTestFinished(() => mine.destroy());
  const other = lock(file);
  const busy = { code: 'data.busy', retry: 'automatic', message: expect.stringContaining('Another program') };
  await expect(claimNextJob(mine, worker, 10)).rejects.toMatchObject(busy);
  await expect(writeSetting(mine, 'trust.serial', '9')).rejects.toMatchObject(busy);
  expect(await readSetting(mine, 'trust.serial')).toBeNull();
  other.exec('ROLLBACK');
  expect((await claimNextJob(mine, worker, 10))?.job.id).toBe(job.id);
});
