/** Disk use and reclaiming over the API, as the interface and the command line see them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findRepository } from '../../../src-main/database/repositories.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { addBuild, addJob, addRepository, addWorker, eventTypes } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';

async function host() {
  const started = await startTestHost(onTestFinished);
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${started.host.port}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${started.host.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { ...started, call };
}

it('deletes of packs only those that a person was shown, by the number that the repository keeps', async () => {
  const { engine, call } = await host();
  const { db } = engine;
  const repositoryId = await addRepository(db);
  const builds = [];
  for (let index = 0; index < 4; index += 1) builds.push(await addBuild(db, repositoryId, { createdAt: 1 }));
  const [first, second, third] = builds;
  if (!first || !second || !third) throw new Error('no builds');
  expect((await call('GET', '/disk/reclaim')).body.reclaim).toEqual([]);
  expect(await call('POST', '/disk/keep', { repositoryId, builds: 1 })).toMatchObject({ status: 200 });
  expect(await findRepository(db, repositoryId)).toMatchObject({ keptBuilds: 1 });
  expect(await call('POST', `/builds/${third.jobId}/pin`, { pinned: true })).toMatchObject({ body: { id: third.id } });
  expect((await call('GET', '/disk')).body.repositories).toMatchObject([
    { keptBuilds: 1, pinned: { packs: 1 }, kept: { packs: 1 }, reclaimable: { packs: 2 } },
  ]);
  // The pinned one is not deleted by being named.
  const packs = [first.packDigest, third.packDigest];
  expect((await call('POST', '/disk/reclaim', { packs })).body).toMatchObject({ packs: 1 });
  const shown = async () => (await call('GET', `/builds?repositoryId=${repositoryId}`)).body;
  expect((await shown()).map((one: { reclaimedAtMs: number | null }) => one.reclaimedAtMs !== null)).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(await call('POST', `/builds/${third.id}/pin`, { pinned: false })).toMatchObject({
    body: { pinnedAtMs: null },
  });
  expect((await call('POST', '/disk/reclaim', {})).body).toMatchObject({ packs: 2 });
  expect(await eventTypes(db)).toEqual(expect.arrayContaining(['build.pinned', 'build.unpinned', 'build.reclaimed']));

  expect(await call('POST', `/builds/${first.id}/pin`, { pinned: true })).toMatchObject({
    status: 422,
    body: { data: { code: 'artifact.reclaimed' } },
  });
  for (const [path, body] of [
    ['/disk/keep', { repositoryId, builds: 0 }],
    ['/disk/keep', { repositoryId, builds: 1.5 }],
    ['/disk/reclaim', { packs: ['../../etc'] }],
    ['/builds/x/pin', { pinned: true }],
  ] as const)
    expect(await call('POST', path, body)).toMatchObject({ status: 400 });
  const none = crypto.randomUUID();
  expect(await call('POST', '/disk/keep', { repositoryId: none, builds: 1 })).toMatchObject({ status: 404 });
  expect(await call('POST', `/builds/${none}/pin`, { pinned: true })).toMatchObject({ status: 404 });
});

it('says of a log and its tests that they were reclaimed', async () => {
  const { engine, call } = await host();
  const { db, folder } = engine;
  const repositoryId = await addRepository(db);
  const worker = await addWorker(db);
  const jobs = [];
  for (let index = 0; index < 11; index += 1) {
    jobs.push(await addJob(db, repositoryId));
    const claimed = await claimNextJob(db, worker, index);
    if (!claimed) throw new Error('no job');
    const file = folder.jobLog(claimed.job.id, 1);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, Buffer.alloc(200_000, 'a line\n'));
    await finishJob(db, claimed, { status: 'succeeded', error: null, now: Date.now() });
  }
  await call('POST', '/settings', { name: 'retention.logBytes', value: 2 ** 20 });
  expect((await call('GET', '/disk/reclaim')).body.logs).toEqual({ jobs: 1, sizeBytes: 200_000 });
  expect((await call('POST', '/disk/reclaim', {})).body.logs).toEqual({ jobs: 1, sizeBytes: 200_000 });
  const [first, second] = jobs;
  expect((await call('GET', `/jobs/${first?.id}/log`)).body).toMatchObject({
    text: '',
    complete: true,
    reclaimedAtMs: expect.any(Number),
  });
  expect((await call('GET', `/jobs/${first?.id}/tests`)).body).toMatchObject({ reclaimedAtMs: expect.any(Number) });
  expect((await call('GET', `/jobs/${second?.id}/log`)).body).toMatchObject({
    totalBytes: 200_000,
    reclaimedAtMs: null,
  });
});
