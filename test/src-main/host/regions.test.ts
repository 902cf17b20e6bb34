/** Regions over the API, as the interface and the command line see them. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { insertChannel } from '../../../src-main/database/releases.ts';
import { addRepository } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { publishBuild } from '../../support/published-build.ts';

async function startWithRegion() {
  const { engine, host } = await startTestHost(onTestFinished);
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${host.port}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const root = `${engine.folder.root}-eu`;
  await mkdir(root);
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const place = { name: 'eu', location: '', latitude: 50, longitude: 8 };
  const region = (await call('POST', '/regions', { ...place, storeUrl: root })).body;
  const repositoryId = await addRepository(engine.db);
  await insertChannel(engine.db, { id: uuidv7(), repositoryId, name: 'production', policy: 'manual' });
  const of = { db: engine.db, main: engine.stores.main, release: engine.keyring.release };
  const build = await publishBuild(of, repositoryId, 100_000);
  engine.reconciler.signal();
  const view = async () => (await call('GET', '/regions')).body.find((one: { id: string }) => one.id === region.id);
  await eventually(async () => (await view()).packCount === 1, { what: 'the copy' });
  return { engine, call, root, region, repositoryId, build, view };
}

it('show what they hold and moved, take limits, and are repaired by a verification that says what it did', async () => {
  const { engine, call, root, region, build, view } = await startWithRegion();
  expect(await view()).toMatchObject({
    behind: 0,
    bytesStored: 100_000,
    limits: { concurrency: 2, bytesPerSecond: null, auditDays: 30 },
    audit: { lookedAtMs: expect.any(Number), oldestProofAtMs: expect.any(Number) },
  });
  expect((await view()).traffic.today.sentBytes).toBeGreaterThanOrEqual(100_000);

  const limits = await call('PATCH', `/regions/${region.id}/limits`, { concurrency: 5, bytesPerSecond: 4096 });
  expect(limits.body.limits).toEqual({ concurrency: 5, bytesPerSecond: 4096, auditDays: 30 });
  expect((await call('PATCH', `/regions/${region.id}/limits`, { bytesPerSecond: null })).body.limits).toMatchObject({
    bytesPerSecond: null,
  });
  for (const wrong of [{ concurrency: 0 }, { concurrency: 33 }, { bytesPerSecond: 1 }, { auditDays: 0 }]) {
    expect(await call('PATCH', `/regions/${region.id}/limits`, wrong)).toMatchObject({ status: 400 });
  }
  expect(await call('PATCH', `/regions/${region.id}/limits`, {})).toMatchObject({ status: 422 });
  expect(await call('PATCH', `/regions/${uuidv7()}/limits`, { auditDays: 3 })).toMatchObject({ status: 404 });

  const clean = await call('POST', `/regions/${region.id}/verify`, {});
  expect(clean.body).toMatchObject({ checked: 1, damaged: 0, bytesRead: 0, findings: [] });
  const torrent = storeKeys.torrent(build.packDigest);
  await writeFile(`${root}/${torrent}`, 'nothing of the kind');
  await rm(`${root}/${storeKeys.pack(build.packDigest)}`);
  const found = await call('POST', `/regions/${region.id}/verify`, { deep: true });
  expect(found.body).toMatchObject({ checked: 1, damaged: 1 });
  expect(found.body.findings).toEqual([
    expect.objectContaining({ problem: 'missing', action: 'queued' }),
    expect.objectContaining({ key: torrent, problem: 'damaged', action: 'repaired' }),
  ]);
  await eventually(async () => (await view()).behind === 0, { what: 'the new copy' });
  const main = (await call('GET', '/regions')).body.find((one: { isMain: boolean }) => one.isMain);
  await rm(`${engine.folder.mainStore}/${torrent}`);
  const repaired = await call('POST', `/regions/${main.id}/verify`, {});
  expect(repaired.body.findings).toEqual([expect.objectContaining({ key: torrent, action: 'repaired' })]);
  expect(await readFile(`${engine.folder.mainStore}/${torrent}`)).toEqual(await readFile(`${root}/${torrent}`));
  expect(await call('POST', `/regions/${uuidv7()}/verify`, {})).toMatchObject({ status: 404 });
});

it('hold what the policy of a repository says, and a forced release needs a reason', async () => {
  const { call, region, repositoryId, build, view } = await startWithRegion();
  const policy = `/repositories/${repositoryId}/replication`;
  expect((await call('GET', policy)).body).toEqual({ regionIds: null, versions: null });
  for (const wrong of [{ versions: 0 }, { versions: 1.5 }, { regionIds: ['../..'] }]) {
    expect(await call('PATCH', policy, wrong)).toMatchObject({ status: 400 });
  }
  expect(await call('PATCH', policy, { regionIds: [uuidv7()] })).toMatchObject({ status: 404 });
  expect(await call('PATCH', `/repositories/${uuidv7()}/replication`, { versions: 1 })).toMatchObject({ status: 404 });
  expect((await call('PATCH', policy, { regionIds: [] })).body).toEqual({ regionIds: [], versions: null });
  await eventually(async () => (await view()).packCount === 0, { what: 'the removal' });

  const release = { repositoryId, channel: 'production', buildId: build.id, force: true };
  // No region should hold it: as soon as the last copy is gone, there is nothing to wait for.
  const unverified = async () =>
    (await call('POST', '/releases/preflight', { ...release, force: undefined })).body.unverifiedRegions;
  await eventually(async () => (await unverified()) === 0, { what: 'the removal of the row' });
  expect((await call('GET', '/builds')).body).toMatchObject([{ regionsTotal: 0 }]);
  const refused = await call('POST', '/releases/promote', release);
  expect(refused).toMatchObject({ status: 422, body: { data: { code: 'input.invalid' } } });
  const made = await call('POST', '/releases/promote', { ...release, reason: 'It leaks' });
  expect(made.body).toMatchObject({ serial: 1, forced: true, reason: 'It leaks' });
  expect((await call('PATCH', policy, { regionIds: [region.id], versions: 2 })).body).toMatchObject({ versions: 2 });
  await eventually(async () => (await view()).packCount === 1, { what: 'the copy again' });
});
