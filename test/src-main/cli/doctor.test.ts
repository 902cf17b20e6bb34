import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examine } from '../../../src-main/cli/doctor/doctor-command.ts';
import {
  checkClock,
  checkFolder,
  checkGit,
  checkNode,
  checkTools,
} from '../../../src-main/cli/doctor/machine-checks.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { appendEvent } from '../../../src-main/database/events.ts';
import { insertRegion, updateReplica } from '../../../src-main/database/regions.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { insertMissingReplicas } from '../../../src-main/database/wanted-replicas.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { writeHostFile } from '../../../src-main/host/host-file.ts';
import { claimNextJob } from '../../../src-main/queue/attempt.ts';
import { addBuild, addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** Every check that is not in order, as `state name: detail`. */
async function findings(data: string): Promise<string[]> {
  const checks = await examine({ data });
  for (const check of checks) expect(check.advice === null).toBe(check.state === 'ok');
  return checks
    .filter(({ state, name }) => state !== 'ok' && name !== 'Isolation' && name !== 'Disk space')
    .map(({ state, name, detail }) => `${state} ${name}: ${detail}`);
}

describe('an installation without an engine', () => {
  it('is in order before its first start', async () => {
    expect(await findings(`${await scratchFolder(onTestFinished)}/none`)).toEqual([]);
  });

  it('tells what its database says is not in order', async () => {
    const { db, folder } = await testDatabase();
    const repository = await addRepository(db);
    const unreachable = new DomainError('git.unreachable', 'No route to git.example.');
    await updateRepository(db, repository, { pollError: JSON.stringify(unreachable.toView()) });
    const build = await addBuild(db, repository);
    const regionId = uuidv7();
    await insertRegion(db, {
      id: regionId,
      name: 'Frankfurt',
      location: '',
      latitude: 50,
      longitude: 8,
      storeUrl: 'file:///fra',
      isMain: 0,
      paused: 0,
      addedAt: 1,
    });
    await insertMissingReplicas(db);
    await updateReplica(db, { packDigest: build.packDigest, regionId }, { status: 'failed' });
    const job = await addJob(db, await addRepository(db));
    await claimNextJob(db, await addWorker(db), Date.now() - 60_000);
    await claimNextJob(db, await addWorker(db), Date.now());
    await appendEvent(db, { type: 'worker.changed', at: Date.now() + 3_600_000 });

    expect(await findings(folder)).toEqual([
      expect.stringMatching(/^warning Jobs: job 1 runs without a checkup for 6\d s$/),
      expect.stringMatching(/^broken Clock: .*, 3\d\d\d s before the newest event/),
      'broken Repositories: harbour cannot be polled',
      expect.stringMatching(/^broken Regions: Frankfurt lacks 1 pack, the oldest for \d+ s$/),
    ]);
    expect(job.number).toBe(2);
  });

  it('finds a damaged database, and keys that others can read', async () => {
    const { db, file, folder } = await testDatabase();
    for (let count = 0; count < 200; count += 1) await addJob(db, await addRepository(db));
    await db.destroy();
    const handle = await open(file, 'r+');
    // The last page is one of rows, and the schema stays readable.
    await handle.write(Buffer.alloc(4_096, 0xa5), 0, 4_096, (await handle.stat()).size - 4_096);
    await handle.close();
    await mkdir(`${folder}/keys`, { mode: 0o700 });
    await writeFile(`${folder}/keys/root.sealed`, 'x', { mode: 0o600 });
    expect(await findings(folder)).toEqual([expect.stringMatching(/^broken Database: damaged: /)]);
    await chmod(`${folder}/keys/root.sealed`, 0o644);
    expect(await findings(folder)).toContain(`broken Keys: others can read or replace ${folder}/keys/root.sealed`);
  });

  it('says so where its engine was killed, and where its process hangs', async () => {
    const root = await scratchFolder(onTestFinished);
    await writeHostFile(dataFolder(root), { pid: 2 ** 22 + 1, port: 1, token: 'x' });
    expect(await findings(root)).toEqual([]);
    await writeHostFile(dataFolder(root), { pid: process.pid, port: 1, token: 'x' });
    expect(await findings(root)).toEqual(['broken Engine: its process is there and does not answer']);
  });
});

it('asks the running engine', async () => {
  const { engine, host } = await startTestHost(onTestFinished, { workers: 0 });
  await writeHostFile(engine.folder, { pid: process.pid, port: host.port, token: host.token });
  expect(await findings(engine.folder.root)).toContain('warning Workers: no worker runs');
  await engine.pool.setMode('paused');
  expect(await findings(engine.folder.root)).toContain('warning Builds: paused: no job is taken');
});

describe('the checks of the machine', () => {
  it('know an old Node, a clock of long ago and a tool that is missing', async () => {
    expect(checkNode('20.19.0')).toMatchObject({ state: 'broken', advice: expect.stringContaining('Node 22') });
    expect(checkClock(0, null)).toMatchObject({ state: 'broken' });
    expect(await checkGit()).toMatchObject({ state: 'ok' });
    const evidence = { file: 'x', line: null, reason: 'x' };
    expect(await checkTools([{ program: 'no-such-tool', version: null, evidence }])).toMatchObject({
      state: 'broken',
      advice: expect.stringContaining('no-such-tool'),
    });
  });

  it('know a full disk and a folder that is none', async () => {
    const root = await scratchFolder(onTestFinished);
    expect((await checkFolder(dataFolder(root), 2 ** 60))[1]).toMatchObject({ name: 'Disk space', state: 'broken' });
    await writeFile(`${root}/file`, '');
    expect((await checkFolder(dataFolder(`${root}/file`), 1))[0]).toMatchObject({ state: 'broken' });
  });
});
