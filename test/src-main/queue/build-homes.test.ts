/** Build homes go with their repository, when caches are cleared and when they take too much, and never under a build that runs. */
import { chmod, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { boundHomes, clearHomes, sweepHomes, takeHome } from '../../../src-main/queue/build-homes.ts';
import { setCacheLimit } from '../../../src-main/queue/cache-space.ts';
import { addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';

async function homes() {
  const { db, folder: root } = await testDatabase();
  const folder = dataFolder(root);
  const ids = [await addRepository(db), await addRepository(db)];
  for (const id of ids) {
    // As Go leaves its modules: a folder that cannot be written.
    const modules = join(folder.buildHome(id), 'go/pkg/mod');
    await mkdir(modules, { recursive: true });
    await writeFile(join(modules, 'file'), 'x');
    await chmod(modules, 0o500);
  }
  return { db, folder, ids, onDisk: async () => (await readdir(folder.homes)).sort() };
}

it('removes the home of one repository, or all', async () => {
  const { db, folder, ids, onDisk } = await homes();
  expect(await clearHomes(db, folder, ids[0])).toBe(1);
  expect(await onDisk()).toEqual([ids[1]]);
  expect(await clearHomes(db, folder)).toBe(1);
  expect(await onDisk()).toEqual([]);
  expect(await clearHomes(db, folder)).toBe(0);
});

it('leaves a home to the build that runs in it', async () => {
  const { db, folder, ids, onDisk } = await homes();
  const [used = ''] = ids;
  const job = await addJob(db, used);
  expect((await claimNextJob(db, await addWorker(db), 1))?.job.id).toBe(job.id);
  expect(await clearHomes(db, folder)).toBe(1);
  expect(await onDisk()).toEqual([used]);
});

it('sweeps the homes of repositories that were removed', async () => {
  const { db, folder, ids, onDisk } = await homes();
  await updateRepository(db, ids[0] ?? '', { removedAt: 1 });
  await sweepHomes(db, folder);
  expect(await onDisk()).toEqual([ids[1]]);
});

it('removes the home that was used longest ago where all take more than the cap, unless a build has it', async () => {
  const { db, folder, ids, onDisk } = await homes();
  const [first = '', second = ''] = ids;
  for (const id of ids) await writeFile(join(folder.buildHome(id), 'large'), Buffer.alloc(100_000));
  await utimes(folder.buildHome(first), 1, 1);
  expect(await boundHomes(db, folder)).toBe(0);
  await setCacheLimit(db, folder, 200_000);
  expect(await boundHomes(db, folder)).toBe(1);
  expect(await onDisk()).toEqual([second]);

  await setCacheLimit(db, folder, 0);
  await addJob(db, second);
  await claimNextJob(db, await addWorker(db), 1);
  expect(await boundHomes(db, folder)).toBe(0);
  expect(await onDisk()).toEqual([second]);
});

it('counts a home as used when a build takes it', async () => {
  const { folder, ids } = await homes();
  const [home = ''] = ids.map(folder.buildHome);
  await utimes(home, 1, 1);
  await takeHome(home);
  expect((await stat(home)).mtimeMs).toBeGreaterThan(1_000);
});
