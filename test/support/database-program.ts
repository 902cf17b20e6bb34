/** Owns a second process of a test: it holds an instance lock, appends events, claims jobs, works, or writes caches, as its arguments say. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { appendEvent } from '../../src-main/database/events.ts';
import { lockInstance } from '../../src-main/database/instance-lock.ts';
import { countJobs } from '../../src-main/database/jobs.ts';
import { inTransaction, openDatabase } from '../../src-main/database/open-database.ts';
import { readSetting, writeSetting } from '../../src-main/database/settings.ts';
import { dataFolder } from '../../src-main/domain/data-folder.ts';
import { claimNextJob, finishJob } from '../../src-main/queue/attempt.ts';
import { finishCache, reserveCache } from '../../src-main/queue/cache-space.ts';

const [action, file, argument = ''] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: ACTION FILE [ARGUMENT]');

const tell = (message: unknown) => process.send?.(message);

switch (action) {
  case 'hold-lock':
    lockInstance(file, 'folder');
    // Keeps the process, and with it the lock, until it is killed.
    setInterval(() => undefined, 60_000);
    tell('held');
    break;
  case 'count': {
    // Reads, then writes, in one transaction: lost updates or SQLITE_BUSY would show.
    const db = openDatabase(file, { migrateSchema: false });
    tell('ready');
    await new Promise(resolve => process.once('message', resolve));
    for (let turn = 0; turn < Number(argument); turn += 1) {
      await inTransaction(db, async transaction => {
        const count = Number((await readSetting(transaction, 'seeder.sequence')) ?? 0);
        await appendEvent(transaction, { type: 'worker.changed', at: turn });
        await writeSetting(transaction, 'seeder.sequence', String(count + 1));
      });
    }
    await db.destroy();
    process.disconnect();
    break;
  }
  case 'claim': {
    const db = openDatabase(file, { migrateSchema: false });
    tell('ready');
    await new Promise(resolve => process.once('message', resolve));
    const claimed: string[] = [];
    for (;;) {
      const job = await claimNextJob(db, { id: argument, name: argument }, 1);
      if (!job) break;
      claimed.push(job.job.id);
    }
    await db.destroy();
    process.send?.(claimed, () => process.disconnect());
    break;
  }
  case 'cache': {
    const db = openDatabase(file, { migrateSchema: false });
    const folder = dataFolder(dirname(file));
    const [repositoryId = '', workerId = '', keys = ''] = argument.split(' ');
    tell('ready');
    await new Promise(resolve => process.once('message', resolve));
    const outcomes: string[] = [];
    let highestBytes = 0;
    for (const [turn, key] of keys.split(',').entries()) {
      const sizeBytes = 4096 * (1 + ((turn * 3) % 8));
      const entry = { repositoryId, name: 'deps', key, sizeBytes, workerId, jobNumber: 1 };
      const room = await reserveCache(db, folder, { ...entry, now: Date.now(), replaces: false });
      outcomes.push(room.outcome);
      if (room.outcome !== 'reserved') continue;
      await mkdir(folder.cacheOf(room.cache), { recursive: true });
      await writeFile(`${folder.cacheOf(room.cache)}/file`, Buffer.alloc(sizeBytes));
      highestBytes = Math.max(highestBytes, await bytesBelow(folder.caches));
      if (!(await finishCache(db, room.cache))) throw new Error('the entry was taken away while it was written');
    }
    await db.destroy();
    process.send?.({ outcomes, highestBytes }, () => process.disconnect());
    break;
  }
  case 'work': {
    // Jobs that take no time, until none waits: what a claim finds depends on what the other processes have just finished.
    const db = openDatabase(file, { migrateSchema: false });
    tell('ready');
    await new Promise(resolve => process.once('message', resolve));
    const done: number[] = [];
    for (;;) {
      const claimed = await claimNextJob(db, { id: argument, name: argument }, 1);
      if (claimed) {
        await finishJob(db, claimed, { status: 'succeeded', error: null, now: 2 });
        done.push(claimed.job.number);
      } else if ((await countJobs(db, { status: 'queued' })) === 0) break;
      else await delay(5);
    }
    await db.destroy();
    process.send?.(done, () => process.disconnect());
    break;
  }
  default:
    throw new Error(`unknown action ${action}`);
}

/** What the files below a folder hold now; one that goes away meanwhile holds nothing. */
/** What is taken away meanwhile counts for nothing. */
async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(entry => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return bytesBelow(path);
      return stat(path).then(
        facts => facts.size,
        () => 0,
      );
    }),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
