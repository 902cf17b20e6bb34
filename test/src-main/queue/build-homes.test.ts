/** Build homes go with their repository and when caches are cleared, and never under a build that runs. */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { clearHomes, sweepHomes } from '../../../src-main/queue/build-homes.ts';
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
