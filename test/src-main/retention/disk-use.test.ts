import { lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { createDiskUse, sizeOnDisk } from '../../../src-main/retention/disk-use.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

it('counts every file of a tree once, and follows no link', async () => {
  const root = await scratchFolder();
  const paths = [root, `${root}/a`, `${root}/a/b`];
  for (const path of paths.slice(1)) await mkdir(path);
  for (let index = 0; index < 60; index += 1) paths.push(`${root}/a/${index}`, `${root}/a/b/${index}`);
  for (const path of paths.slice(3)) await writeFile(path, Buffer.alloc(5_000, 1), { flush: true });
  await symlink(root, `${root}/a/loop`);
  const facts = await Promise.all([...paths, `${root}/a/loop`].map(path => lstat(path)));
  expect(await sizeOnDisk(root)).toBe(facts.reduce((sum, one) => sum + one.blocks * 512, 0));
  expect(await sizeOnDisk(`${root}/none`)).toBe(0);
});

it('tells pinned, kept and reclaimable packs apart, and measures once for all who ask', async () => {
  const center = await startControlCenter();
  const { db, main } = center;
  let now = Date.now();
  const use = createDiskUse({ db, main, folder: dataFolder(center.folder), clock: () => now });
  const channel = await center.addChannel();
  const builds = [];
  for (let index = 0; index < 12; index += 1) builds.push(await center.publishBuild(channel.repositoryId, 10_000));
  const [first] = builds;
  if (!first) throw new Error('no build');
  await center.releases.release({ channel, build: first, kind: 'promote', reason: null });
  now += 2 * 60 * 60_000;
  const shown = await use.read();
  expect(shown.repositories).toMatchObject([
    {
      pinned: { packs: 1, sizeBytes: 10_000 },
      kept: { packs: 10, sizeBytes: 100_000 },
      reclaimable: { packs: 1, sizeBytes: 10_000 },
      deltas: { packs: 0 },
      keptBuilds: null,
    },
  ]);
  expect(shown.stores).toMatchObject([{ name: 'This machine', isMain: true, packs: 12, waiting: { packs: 0 } }]);
  const sizeOf = (kind: string) => shown.kinds.find(one => one.kind === kind)?.sizeBytes ?? 0;
  expect(sizeOf('packs')).toBe(120_000);
  expect(sizeOf('documents')).toBeGreaterThan(0);
  expect(sizeOf('database')).toBeGreaterThan(0);
  now += 1_000;
  expect((await use.read()).measuredAtMs).toBe(shown.measuredAtMs);
  use.forget();
  const both = await Promise.all([use.read(), use.read()]);
  expect(both.map(one => one.measuredAtMs)).toEqual([now, now]);
});
