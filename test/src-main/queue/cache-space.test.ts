/** The room of caches: the cap holds at every moment, who goes first, and what dead processes leave. */
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { copyTree, measureTree } from '../../../src-main/artifacts/copy-tree.ts';
import { type CacheRecord, listCaches, touchCache } from '../../../src-main/database/caches.ts';
import type { Db } from '../../../src-main/database/open-database.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { updateWorker } from '../../../src-main/database/workers.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import {
  cachesView,
  clearCaches,
  finishCache,
  reserveCache,
  setCacheLimit,
  sweepCaches,
} from '../../../src-main/queue/cache-space.ts';
import { startDatabaseProgram } from '../../support/child-program.ts';
import { addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';

const blocks = (count: number) => count * 4096;

async function installation(limitBytes: number) {
  const database = await testDatabase();
  const folder = dataFolder(database.folder);
  const { db } = database;
  await setCacheLimit(db, folder, limitBytes);
  const repositoryId = await addRepository(db);
  const worker = await addWorker(db);
  let now = 0;
  const reserve = (key: string, sizeBytes: number, more: { workerId?: string; replaces?: boolean } = {}) => {
    const { replaces = false, workerId = worker.id } = more;
    now += 1;
    const entry = { repositoryId, name: 'deps', key, sizeBytes, workerId, jobNumber: 1 };
    return reserveCache(db, folder, { ...entry, now, replaces });
  };
  /** Reserves, writes a file, and makes it readable. */
  const keep = async (key: string, sizeBytes: number): Promise<CacheRecord> => {
    const room = await reserve(key, sizeBytes);
    if (room.outcome !== 'reserved') throw new Error(`no room for ${key}: ${room.outcome}`);
    await mkdir(folder.cacheOf(room.cache), { recursive: true });
    await writeFile(join(folder.cacheOf(room.cache), 'file'), key);
    expect(await finishCache(db, room.cache)).toBe(true);
    return room.cache;
  };
  const keys = async () => (await listCaches(db)).map(cache => cache.key);
  const onDisk = async () => (await readdir(join(folder.caches, repositoryId)).catch(() => [])).sort();
  return { ...database, folder, repositoryId, worker, reserve, keep, keys, onDisk };
}

it('removes what was used longest ago, no more than it must, from the disk as well', async () => {
  const { db, keep, reserve, keys, onDisk } = await installation(blocks(10));
  const a = await keep('a', blocks(4));
  await keep('b', blocks(3));
  const c = await keep('c', blocks(3));
  await touchCache(db, a.id, 1_000);
  const d = await keep('d', blocks(2));
  expect(await keys()).toEqual(['c', 'd', 'a']);
  // One that can never fit takes nothing away.
  expect(await reserve('e', blocks(11))).toEqual({ outcome: 'full', limitBytes: blocks(10) });
  expect(await onDisk()).toEqual([a, c, d].map(({ id }) => `deps-${id}`).sort());
  expect(await reserve('c', blocks(1))).toEqual({ outcome: 'known' });
  expect(await reserve('c', blocks(1), { replaces: true })).toMatchObject({ outcome: 'reserved' });
  expect(await onDisk()).toEqual([a, d].map(({ id }) => `deps-${id}`).sort());
});

it('counts what is being written, and gives its room back when its writer is dead', async () => {
  const { db, reserve, worker, keys } = await installation(blocks(10));
  const other = await addWorker(db, 'worker 2');
  expect(await reserve('a', blocks(8))).toMatchObject({ outcome: 'reserved' });
  expect(await reserve('a', blocks(1), { workerId: other.id })).toEqual({ outcome: 'known' });
  expect(await reserve('b', blocks(3), { workerId: other.id })).toMatchObject({ outcome: 'full' });
  await updateWorker(db, worker.id, { stoppedAt: 5 });
  expect(await reserve('b', blocks(3), { workerId: other.id })).toMatchObject({ outcome: 'reserved' });
  expect(await keys()).toEqual(['b']);
});

/** Processes that reserve, write and finish at the same time, each one entry for each of its keys. */
async function writeTogether(file: string, db: Db, repositoryId: string, keysOf: readonly (readonly string[])[]) {
  const children = await Promise.all(
    keysOf.map(async (keys, index) => {
      const { id } = await addWorker(db, `writer ${index}`);
      return startDatabaseProgram('cache', file, `${repositoryId} ${id} ${keys.join(',')}`);
    }),
  );
  return Promise.all(
    children.map(async child => {
      const told = once(child, 'message');
      child.send('go');
      const [message] = await told;
      return z.object({ outcomes: z.array(z.string()), highestBytes: z.number() }).parse(message);
    }),
  );
}

it('never passes the cap with several processes at once', async () => {
  const limit = blocks(20);
  const { db, file, repositoryId, onDisk } = await installation(limit);
  const keys = [0, 1, 2].map(writer => Array.from({ length: 20 }, (_, turn) => `${writer}-${turn}`));
  const told = await writeTogether(file, db, repositoryId, keys);
  const highest = Math.max(...told.map(({ highestBytes }) => highestBytes));
  expect(highest).toBeGreaterThan(limit / 2);
  expect(highest).toBeLessThanOrEqual(limit);
  expect(told.flatMap(({ outcomes }) => outcomes).filter(outcome => outcome === 'reserved').length).toBeGreaterThan(20);
  expect(await onDisk()).toEqual((await listCaches(db)).map(({ id }) => `deps-${id}`).sort());
});

it('of several processes that write one key, one does', async () => {
  const { db, file, repositoryId, onDisk } = await installation(blocks(100));
  const told = await writeTogether(file, db, repositoryId, [['same'], ['same'], ['same']]);
  expect(told.flatMap(({ outcomes }) => outcomes).sort()).toEqual(['known', 'known', 'reserved']);
  expect(await onDisk()).toHaveLength(1);
});

it('sweeps what an ended engine was writing, and folders that nobody knows', async () => {
  const { db, folder, keep, reserve, onDisk, repositoryId } = await installation(blocks(100));
  const kept = await keep('a', blocks(1));
  const room = await reserve('b', blocks(1));
  if (room.outcome !== 'reserved') throw new Error('no room');
  await mkdir(folder.cacheOf(room.cache), { recursive: true });
  await mkdir(folder.cacheOf({ repositoryId, name: 'gone', id: uuidv7() }));
  await mkdir(folder.cacheOf({ repositoryId: uuidv7(), name: 'gone', id: uuidv7() }), { recursive: true });
  await sweepCaches(db, folder);
  expect(await onDisk()).toEqual([`deps-${kept.id}`]);
  expect(await cachesView(db)).toMatchObject({ usedBytes: blocks(1), entries: [{ key: 'a', status: 'ready' }] });
});

it('sweeps what a build has kept of a repository that was removed meanwhile', async () => {
  const { db, folder, keep, onDisk, repositoryId } = await installation(blocks(100));
  await keep('a', blocks(1));
  await updateRepository(db, repositoryId, { removedAt: 1 });
  await sweepCaches(db, folder);
  expect(await onDisk()).toEqual([]);
  expect(await listCaches(db)).toEqual([]);
});

it('is lowered and cleared at once, and leaves what is being written to its writer', async () => {
  const { db, folder, keep, reserve, keys, onDisk } = await installation(blocks(100));
  await keep('a', blocks(4));
  await keep('b', blocks(4));
  await setCacheLimit(db, folder, blocks(5));
  expect(await keys()).toEqual(['b']);
  const room = await reserve('c', blocks(1));
  expect(await clearCaches(db, folder)).toEqual({ caches: 1, sizeBytes: blocks(4), results: 0 });
  expect(await onDisk()).toEqual([]);
  if (room.outcome !== 'reserved') throw new Error('no room');
  expect(await finishCache(db, room.cache)).toBe(true);
  expect(await keys()).toEqual(['c']);
});

it('measures at least what a copy takes, and refuses to copy more', async () => {
  const { folder: root } = await testDatabase();
  const source = join(root, 'source');
  await mkdir(join(source, 'deep/er'), { recursive: true });
  for (let index = 0; index < 20; index += 1)
    await writeFile(join(source, 'deep/er', `f${index}`), 'x'.repeat(index * 700));
  const { sizeBytes, files } = await measureTree(source, ['deep/er', 'missing']);
  expect(files).toBe(20);
  const to = join(root, 'copy');
  await mkdir(to);
  const copied = await copyTree({
    from: source,
    to,
    paths: ['deep/er', 'missing'],
    limitBytes: sizeBytes,
    durable: true,
  });
  expect(copied.files).toBe(20);
  expect(copied.sizeBytes).toBeLessThanOrEqual(sizeBytes);
  const small = copyTree({ from: source, to: join(root, 'copy'), paths: ['deep/er'], limitBytes: 8192 });
  await expect(small).rejects.toMatchObject({ code: 'cache.full' });
  for (const path of ['../source', 'deep/../../x', '/etc', '']) {
    await expect(measureTree(source, [path])).rejects.toMatchObject({ code: 'cache.unsafe_path' });
  }
});
