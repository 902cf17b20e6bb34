import { readFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { parseBuildStatement } from '../../../src-main/artifacts/build-record.ts';
import { type BuildFacts, storeKeys } from '../../../src-main/contract/documents.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { enqueueRevision } from '../../../src-main/queue/enqueue.ts';
import { createBuildAcceptance } from '../../../src-main/releases/build-acceptance.ts';
import { verifyBuild } from '../../../src-main/releases/build-document.ts';
import { addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';
import { trustOf } from '../../support/signed-protocol.ts';
import { createSignedStore } from '../../support/signed-store.ts';

/** A store with everything of a build but its record, and the running job that made it. */
async function running() {
  const { db } = await testDatabase();
  const world = await createSignedStore(onTestFinished, { 'a.txt': 'a' });
  const repositoryId = await addRepository(db, 'https://example.org/real.git');
  const revision = 'e'.repeat(40);
  const queued = await enqueueRevision(db, {
    repositoryId,
    revision: { revision, subject: 'Change', authorName: 'Ada', committedAtMs: 1 },
    trigger: 'manual',
    seenAtMs: 1,
    now: 1,
  });
  const worker = await addWorker(db);
  const claimed = await claimNextJob(db, worker, 2);
  if (!queued || !claimed) throw new Error('the job does not run');
  const buildId = uuidv7();
  await world.put(storeKeys.sbom(repositoryId, buildId), await readFile(world.pathOf(world.keys.sbom)));
  const facts: BuildFacts = { ...world.facts, buildId, repositoryId, jobId: queued.id, attempt: 1, revision };
  const acceptance = createBuildAcceptance({ db, main: world.store, releaseKey: world.release });
  const record = async () => (await world.store.read(storeKeys.build(repositoryId, buildId), 1_000_000))?.bytes ?? null;
  return { db, world, worker, facts, acceptance, record, revision };
}

it('signs what a running attempt has made, with the identity that the database knows', async () => {
  const { db, world, worker, facts, acceptance, record, revision } = await running();
  await acceptance.accept(worker.id, {
    ...facts,
    revision: 'f'.repeat(40),
    repositoryUrl: 'https://evil.example/x.git',
  });
  const bytes = (await record()) ?? new Uint8Array();
  const statement = verifyBuild(bytes, trustOf(world.rootKey, [world.release]), z.unknown());
  expect(parseBuildStatement(statement)).toMatchObject({ revision, repositoryUrl: 'https://example.org/real.git' });
  // The end of the job is the worker's own transaction.
  expect(await findJob(db, facts.jobId)).toMatchObject({ status: 'running' });
});

it('signs nothing for a worker or an attempt that does not run the job', async () => {
  const { worker, facts, acceptance, record } = await running();
  const fenced = { code: 'job.fenced' };
  await expect(acceptance.accept(uuidv7(), facts)).rejects.toMatchObject(fenced);
  await expect(acceptance.accept(worker.id, { ...facts, attempt: 2 })).rejects.toMatchObject(fenced);
  await expect(acceptance.accept(worker.id, { ...facts, jobId: uuidv7() })).rejects.toMatchObject(fenced);
  expect(await record()).toBeNull();
});

it('writes a record once', async () => {
  const { worker, facts, acceptance, record } = await running();
  await acceptance.accept(worker.id, facts);
  const first = await record();
  const again = acceptance.accept(worker.id, { ...facts, branch: 'other', finishedAtMs: 9 });
  await expect(again).rejects.toMatchObject({ code: 'store.precondition_failed' });
  expect(await record()).toEqual(first);
});

it('signs nothing that is not whole in the main store, and no pack of another artifact', async () => {
  const { world, worker, facts, acceptance, record } = await running();
  const conflicting = { ...facts, artifactId: 'a'.repeat(64) };
  await expect(acceptance.accept(worker.id, conflicting)).rejects.toMatchObject({ code: 'conflict' });
  for (const key of [world.keys.fileList, world.keys.torrent, world.keys.pack]) {
    const bytes = await readFile(world.pathOf(key));
    await world.store.delete(key);
    await expect(acceptance.accept(worker.id, facts)).rejects.toMatchObject({ code: 'store.not_found' });
    await world.put(key, bytes);
  }
  await world.put(world.keys.pack, Buffer.from('cut short'));
  await expect(acceptance.accept(worker.id, facts)).rejects.toMatchObject({ code: 'store.not_found' });
  expect(await record()).toBeNull();
});
