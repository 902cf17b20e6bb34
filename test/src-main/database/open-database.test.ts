import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, it, test } from 'vitest';
import { lastCursor } from '../../../src-main/database/events.ts';
import { lockInstance } from '../../../src-main/database/instance-lock.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { inTransaction, openDatabase } from '../../../src-main/database/open-database.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { readSetting, writeSetting } from '../../../src-main/database/settings.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { startDatabaseProgram } from '../../support/child-program.ts';
import { addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

it('an operation of the queue waits for the transaction that is open on its connection, and is no part of it', async () => {
  const { db } = await testDatabase();
  const job = await addJob(db, await addRepository(db));
  const worker = await addWorker(db);
  const order: string[] = [];
  let claiming: Promise<unknown> = Promise.resolve();
  const undone = inTransaction(db, async transaction => {
    claiming = claimNextJob(db, worker, 10).then(claimed => order.push(`claimed ${claimed?.job.number}`));
    await updateRepository(transaction, job.repositoryId, { concurrency: 64 });
    await findJob(transaction, job.id);
    order.push('rolled back');
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  await claiming;
  expect(order).toEqual(['rolled back', `claimed ${job.number}`]);
  expect(await findJob(db, job.id)).toMatchObject({ status: 'running', attempt: 1 });
  await db.destroy();
  await expect(claimNextJob(db, worker, 10)).rejects.toThrow('The database was closed.');
});

describe('a database', () => {
  it('keeps what was written when it is opened, and migrated, again', async () => {
    const { db, file } = await testDatabase();
    await writeSetting(db, 'trust.serial', '7');
    await db.destroy();
    const again = openDatabase(file, { migrateSchema: true });
    expect(await readSetting(again, 'trust.serial')).toBe('7');
    await again.destroy();
  });

  it('writes ahead, syncs fully and holds foreign keys', async () => {
    const { db } = await testDatabase();
    const pragma = async (name: string) =>
      Object.values((await sql.raw<object>(`pragma ${name}`).execute(db)).rows[0] ?? {});
    expect(await pragma('journal_mode')).toEqual(['wal']);
    expect(await pragma('synchronous')).toEqual([2]);
    expect(await pragma('foreign_keys')).toEqual([1]);
  });

  it('of a newer version is refused and left as it is', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const sqlite = new BetterSqlite3(file);
    sqlite.pragma('user_version = 999');
    sqlite.close();
    const before = await readFile(file);
    expect(() => openDatabase(file, { migrateSchema: true })).toThrow(
      expect.objectContaining({ code: 'data.newer_version', message: expect.stringContaining('schema 999') }),
    );
    expect(await readFile(file)).toEqual(before);
  });

  it('that is no database is reported as damaged and left as it is', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    await writeFile(file, 'not a database at all, but long enough to have a header of its own. '.repeat(20));
    const before = await readFile(file);
    expect(() => openDatabase(file, { migrateSchema: true })).toThrow(
      expect.objectContaining({ code: 'data.corrupt' }),
    );
    expect(await readFile(file)).toEqual(before);
  });

  it('in a folder that is missing is reported with the file', async () => {
    const file = `${await scratchFolder()}/missing/slipway.db`;
    expect(() => openDatabase(file, { migrateSchema: true })).toThrow(
      expect.objectContaining({ code: 'data.unwritable', message: expect.stringContaining(file) }),
    );
  });

  test.skipIf(process.getuid?.() === 0)('in a read-only folder is reported as unwritable', async () => {
    const folder = await scratchFolder();
    await chmod(folder, 0o500);
    try {
      expect(() => openDatabase(`${folder}/slipway.db`, { migrateSchema: true })).toThrow(
        expect.objectContaining({ code: 'data.unwritable' }),
      );
    } finally {
      await chmod(folder, 0o700);
    }
  });

  it('checks states and references', async () => {
    const { db } = await testDatabase();
    const repositoryId = await addRepository(db);
    const insert = (repository: string, status: string) =>
      sql`insert into jobs (id, repository_id, revision, subject, author_name, seen_at, trigger, status, queued_at)
          values (${status}, ${repository}, 'r', 's', 'a', 1, 'poll', ${status}, 1)`.execute(db);
    await expect(insert(repositoryId, 'lost')).rejects.toThrow('CHECK');
    await expect(insert(repositoryId, 'running')).rejects.toThrow('CHECK');
    await expect(insert('nobody', 'queued')).rejects.toThrow('FOREIGN KEY');
    await expect(insert(repositoryId, 'queued')).resolves.toBeDefined();
  });

  it('is written by several processes at once without one being turned away', async () => {
    const { db, file } = await testDatabase();
    const turns = 60;
    const children = await Promise.all([1, 2].map(() => startDatabaseProgram('count', file, String(turns))));
    const ends = children.map(child => once(child, 'exit'));
    for (const child of children) child.send('go');
    expect(await Promise.all(ends)).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(await readSetting(db, 'seeder.sequence')).toBe(String(2 * turns));
    expect(await lastCursor(db)).toBe(2 * turns);
  });
});

describe('the lock of a data folder', () => {
  it('is held once, and free again after its release', async () => {
    const folder = await scratchFolder();
    const file = `${folder}/engine.lock`;
    const lock = lockInstance(file, folder);
    expect(() => lockInstance(file, folder)).toThrow(
      expect.objectContaining({ code: 'data.locked', message: expect.stringContaining(folder) }),
    );
    lock.release();
    lock.release();
    lockInstance(file, folder).release();
  });

  it('is free again when its holder was killed', async () => {
    const folder = await scratchFolder();
    const file = `${folder}/engine.lock`;
    const holder = await startDatabaseProgram('hold-lock', file);
    expect(() => lockInstance(file, folder)).toThrow(expect.objectContaining({ code: 'data.locked' }));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    lockInstance(file, folder).release();
  });
});
