/** The whole headless engine as a process, killed in the middle of a build: what it leaves, and how the next one goes on. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { jobDetailSchema } from '../../src-main/contract/views/job.ts';
import { replicationViewSchema } from '../../src-main/contract/views/region.ts';
import { swarmViewSchema } from '../../src-main/contract/views/swarm.ts';
import { poolViewSchema } from '../../src-main/contract/views/worker.ts';
import { pipeline } from '../support/builds.ts';
import { isAlive } from '../support/child-program.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';
import { type HeadlessEngine, startHeadlessEngine } from '../support/headless-engine.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const named = z.object({ id: z.string() });
const jobsSchema = z.object({ jobs: z.array(named) });

/** At its first run a step with a child, and another one in a session of its own that has lost its parent. */
const familyOnce = (root: string) => `if [ ! -e ${root}/pids ]; then
  sleep 600 & child=$!
  setsid sh -c 'sleep 600 & echo $! > ${root}/orphan' || true
  echo $$ $child $(cat ${root}/orphan) > ${root}/pids.new; mv ${root}/pids.new ${root}/pids; wait $child
fi`;

async function start(data: string): Promise<HeadlessEngine> {
  const engine = await startHeadlessEngine(data, { from: 'source', workers: 1 });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  return engine;
}

it('an engine that was killed goes on when it is started again: no old process, the job again, replicas and swarm', async () => {
  const root = await scratchFolder(onTestFinished);
  const [source, data, region] = [`${root}/source`, `${root}/data`, `${root}/region`];
  await mkdir(source);
  await mkdir(region);
  await writeFile(`${source}/slipway.yml`, `isolation: none\n${pipeline(familyOnce(root))}artifact: [hull.txt]\n`);
  await writeFile(`${source}/hull.txt`, 'a hull\n');
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'Lay the keel');

  const first = await start(data);
  await first.ask(named, '/regions', { name: 'Oslo', latitude: 59.9, longitude: 10.7, storeUrl: region });
  const repository = await first.ask(named, '/repositories', { url: source });
  const step = await eventually(async () => {
    const pids = (await readFile(`${root}/pids`, 'utf8')).trim().split(' ').map(Number);
    return pids.length >= 2 && pids;
  });
  const [worker] = (await first.ask(poolViewSchema, '/workers')).workers;
  const family = [worker?.pid ?? 0, ...step];
  expect(family.map(isAlive)).not.toContain(false);
  // A stopped worker cannot hear that its engine has gone: the hardest one to end.
  process.kill(worker?.pid ?? 0, 'SIGSTOP');
  first.signal('SIGKILL');
  await first.ended;

  const second = await start(data);
  const [job] = (await second.ask(jobsSchema, `/jobs?repositoryId=${repository.id}`)).jobs;
  const ended = await eventually(
    async () => {
      const detail = await second.ask(jobDetailSchema, `/jobs/${job?.id}`);
      return detail.status !== 'queued' && detail.status !== 'running' && detail;
    },
    { what: 'the end of the job', timeoutMs: 60_000 },
  );
  expect(family.map(isAlive)).not.toContain(true);
  expect(ended).toMatchObject({ status: 'succeeded', attempt: 2 });
  expect(ended.attempts).toMatchObject([
    { attempt: 1, outcome: 'lost', loss: { reason: 'its process belongs to an engine that has ended' } },
    { attempt: 2, outcome: 'succeeded', loss: null },
  ]);
  expect(ended.attempts[0]?.loss?.step).toContain('pids');
  const copies = await eventually(
    async () => {
      const [artifact] = (await second.ask(replicationViewSchema, '/replication')).artifacts;
      return (
        artifact &&
        artifact.replicas.length > 0 &&
        artifact.replicas.every(({ status }) => status === 'verified') &&
        artifact
      );
    },
    { what: 'verified replicas' },
  );
  expect(copies.jobId).toBe(job?.id);
  await eventually(async () => (await second.ask(swarmViewSchema, '/swarm')).running, { what: 'the swarm' });
}, 180_000);
