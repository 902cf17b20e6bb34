import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../src-main/compose.ts';
import { storeKeys } from '../../src-main/contract/documents.ts';
import { findJob, listJobs } from '../../src-main/database/jobs.ts';
import { listChannels } from '../../src-main/database/releases.ts';
import { listLiveWorkers } from '../../src-main/database/workers.ts';
import type { Engine } from '../../src-main/engine.ts';
import { setChannel } from '../../src-main/host/release-actions.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { pipeline } from '../support/builds.ts';
import { isAlive } from '../support/child-program.ts';
import { eventTypes } from '../support/database-fixtures.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

async function start(dataFolder: string, workers = 0): Promise<Engine> {
  const engine = await startEngine({
    dataFolder,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
    workers,
  });
  onTestFinished(() => engine.stop());
  return engine;
}

/** A repository on this disk with one commit of these files. */
async function repositoryOf(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await writeFile(`${folder}/${path}`, text);
  }
  await git(folder, 'init', '--quiet', '--initial-branch=main');
  await git(folder, 'add', '--all');
  await git(folder, 'commit', '--quiet', '-m', 'First');
  return folder;
}

describe('an engine', () => {
  it('that is ended during a job leaves nothing running, and finishes the job when it is started again', async () => {
    const root = await scratchFolder();
    const engine = await start(`${root}/data`, 1);
    const once = `if [ ! -e ${root}/begun ]; then touch ${root}/begun; sleep 600; fi`;
    const url = await repositoryOf(`${root}/source`, { 'slipway.yml': `isolation: none\n${pipeline(once)}` });
    const { id } = await engine.repositories.add({ url });
    const [job] = await listJobs(engine.db, { repositoryId: id, limit: 1 });
    await eventually(
      async () => {
        const detail = await engine.db
          .selectFrom('steps')
          .select('name')
          .where('status', '=', 'running')
          .where('phase', '=', 'build')
          .execute();
        return detail.length > 0;
      },
      { what: 'the step' },
    );
    const pids = (await listLiveWorkers(engine.db)).map(worker => worker.pid);
    await engine.stop();
    await engine.stop();
    expect(pids.filter(isAlive)).toEqual([]);

    await writeFile(`${root}/begun`, '');
    const again = await start(`${root}/data`, 1);
    const finished = await eventually(
      async () => {
        const found = await findJob(again.db, job?.id ?? '');
        return found?.status === 'succeeded' ? found : null;
      },
      { what: 'the end of the job' },
    );
    expect(finished).toMatchObject({ attempt: 2, lostCount: 0 });
  });

  it('that cannot start holds nothing: the same folder can be tried again', async () => {
    const root = await scratchFolder();
    const one = await start(`${root}/one`);
    const trust = await one.stores.main.read(storeKeys.trust, 100_000);
    // The store of another installation.
    await mkdir(`${root}/two/store`, { recursive: true });
    await writeFile(`${root}/two/store/${storeKeys.trust}`, trust?.bytes ?? '');
    for (let time = 0; time < 2; time += 1) {
      await expect(start(`${root}/two`)).rejects.toMatchObject({ code: expect.stringMatching(/^trust\./) });
    }
  });

  it('starts though one pointer in its store is damaged', async () => {
    const root = await scratchFolder();
    const first = await start(`${root}/data`);
    const url = await repositoryOf(`${root}/source`, { 'slipway.yml': pipeline('true') });
    const { id } = await first.repositories.add({ url });
    const key = storeKeys.pointer(id, 'production');
    await first.stores.main.put(key, { kind: 'bytes', bytes: Buffer.from('damaged') });
    await first.stop();
    const again = await start(`${root}/data`);
    expect(await listChannels(again.db, id)).toMatchObject([{ name: 'production', currentReleaseId: null }]);
  });

  it('releases what a held channel missed as soon as a person resumes it', async () => {
    const root = await scratchFolder();
    const engine = await start(`${root}/data`, 1);
    const url = await repositoryOf(`${root}/source`, { 'slipway.yml': pipeline('true') });
    const { id } = await engine.repositories.add({ url });
    const channel = { repositoryId: id, name: 'production' };
    await setChannel(engine, { ...channel, policy: 'auto', paused: true });
    const refused = async () => (await eventTypes(engine.db)).includes('release.refused');
    await eventually(refused, { what: 'the refusal' });
    expect(await listChannels(engine.db, id)).toMatchObject([{ currentReleaseId: null }]);
    await setChannel(engine, { ...channel, paused: false });
    await eventually(async () => (await listChannels(engine.db, id))[0]?.currentReleaseId, { what: 'the release' });
  });
});

it('says that the port of the swarm is taken, and starts the swarm by itself when it is free', async () => {
  const root = await scratchFolder();
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const engine = await startEngine({
    dataFolder: `${root}/data`,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
    workers: 0,
    swarmListen: { host: '127.0.0.1', port: address.port },
  });
  onTestFinished(() => engine.stop());
  await eventually(() => engine.swarmProblem()?.code === 'host.port_in_use', { what: 'the problem' });
  server.close();
  await eventually(() => engine.swarmProblem() === null && engine.swarm.port === address.port, { what: 'the swarm' });
});
