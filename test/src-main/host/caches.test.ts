/** Caches over the API, as the interface and the command line see them. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { insertCache, putResult } from '../../../src-main/database/caches.ts';
import { addBuild, addRepository } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';

it('are listed with the disk that they take, cleared by repository, and capped', async () => {
  const { engine, host } = await startTestHost(onTestFinished);
  const { db, folder } = engine;
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${host.port}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const ids = [await addRepository(db), await addRepository(db)];
  for (const [index, repositoryId] of ids.entries()) {
    const id = crypto.randomUUID();
    const facts = { id, repositoryId, name: 'npm', key: 'f'.repeat(64), workerId: 'w', jobNumber: 7 };
    await insertCache(db, { ...facts, status: 'ready', sizeBytes: 4096, createdAt: index, usedAt: index });
    await mkdir(folder.cacheOf({ repositoryId, name: 'npm', id }), { recursive: true });
    const build = await addBuild(db, repositoryId);
    await putResult(db, { key: `${index}`, repositoryId, buildId: build.id, createdAt: 1 });
  }
  const all = await call('GET', '/caches');
  expect(all.body).toMatchObject({ limitBytes: 10 * 1024 ** 3, usedBytes: 8192, results: 2 });
  expect(all.body.entries.map((entry: { repositoryId: string }) => entry.repositoryId)).toEqual([ids[1], ids[0]]);
  expect((await call('GET', `/caches?repositoryId=${ids[0]}`)).body).toMatchObject({
    usedBytes: 8192,
    results: 1,
    entries: [{ name: 'npm', jobNumber: 7, sizeBytes: 4096, status: 'ready' }],
  });
  const [entry] = all.body.entries;
  const path = folder.cacheOf(entry);
  expect(existsSync(path)).toBe(true);
  const cleared = await call('POST', '/caches/clear', { repositoryId: ids[1] });
  expect(cleared.body).toEqual({ caches: 1, sizeBytes: 4096, results: 1 });
  expect(existsSync(path)).toBe(false);
  expect((await call('POST', '/caches/limit', { limitBytes: 0 })).body).toMatchObject({ limitBytes: 0, usedBytes: 0 });
  for (const limitBytes of [-1, 1.5, 'much', 2 ** 60]) {
    expect(await call('POST', '/caches/limit', { limitBytes })).toMatchObject({ status: 400 });
  }
  expect(await call('POST', '/caches/clear', { repositoryId: '../..' })).toMatchObject({ status: 400 });
});
