import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { listLiveWorkers } from '../../../src-main/database/workers.ts';
import { workerAssignment } from '../../../src-main/domain/worker-variable.ts';
import { sweepTree } from '../../../src-main/process/kill-tree.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { isAlive } from '../../support/child-program.ts';
import { eventTypes } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { createSteppingClock } from '../../support/stepping-clock.ts';

/** On its first run a step that tells its pid and waits; afterwards one that succeeds at once. */
const slowOnce = (root: string) =>
  pipeline(`if [ ! -e ${root}/pid ]; then echo $$ > ${root}/pid.new; mv ${root}/pid.new ${root}/pid; sleep 600; fi`);
const slow = (root: string) => pipeline(`echo $$ > ${root}/pid.new; mv ${root}/pid.new ${root}/pid; sleep 600`);

describe('a worker that is killed', () => {
  it('loses its job to the queue, where it runs again and succeeds; its step ends with it', async () => {
    const builds = await startBuilds();
    const repository = await builds.createRepository();
    const job = await repository.push({ 'slipway.yml': slowOnce(builds.root), 'a.txt': 'a' });
    const stepPid = await builds.numberIn('pid');
    const [worker] = await listLiveWorkers(builds.db);
    process.kill(worker?.pid ?? 0, 'SIGKILL');

    expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 2, lostCount: 1 });
    expect(isAlive(stepPid)).toBe(false);
    const attempts = await listAttempts(builds.db, job.id);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'lost'],
      [2, 'succeeded'],
    ]);
    expect(JSON.parse(attempts[0]?.error ?? '{}')).toMatchObject({
      code: 'worker.lost',
      message: expect.stringContaining('was killed by SIGKILL'),
      details: { signal: 'SIGKILL' },
    });
    const types = await eventTypes(builds.db);
    expect(types.filter(type => type === 'worker.lost' || type === 'job.requeued')).toEqual([
      'job.requeued',
      'worker.lost',
    ]);
    expect((await listLiveWorkers(builds.db)).map(({ id }) => id)).not.toContain(worker?.id);
  });
});

it('kills a worker that stands still, and lets it publish nothing', async () => {
  const time = createSteppingClock();
  const builds = await startBuilds({ clock: time.clock });
  const repository = await builds.createRepository();
  const job = await repository.push({ 'slipway.yml': slowOnce(builds.root) });
  await builds.numberIn('pid');
  const [worker] = await listLiveWorkers(builds.db);
  process.kill(worker?.pid ?? 0, 'SIGSTOP');
  // Time runs faster, for the supervisor alone; the stopped worker cannot show that it lives.
  time.step(2_000);
  await eventually(() => !isAlive(worker?.pid ?? 0), { what: 'the kill' });
  time.step(0);
  await eventually(async () => (await eventTypes(builds.db)).includes('worker.lost'), { what: 'the loss' });
  expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
  expect(await findBuildOfJob(builds.db, job.id)).toMatchObject({ attempt: 2 });
  const [lost] = await listAttempts(builds.db, job.id);
  expect(JSON.parse(lost?.error ?? '{}').message).toContain('no checkup for');
});

it.skipIf(process.platform !== 'linux')(
  'lets a later engine end a worker that it did not start and that stands still',
  async () => {
    const builds = await startBuilds();
    const [worker] = await listLiveWorkers(builds.db);
    if (!worker) throw new Error('there is no worker');
    process.kill(worker.pid, 'SIGSTOP');
    // What the next engine does with a worker that it finds in the table.
    await sweepTree(2 ** 30, workerAssignment(worker.id));
    await eventually(() => !isAlive(worker.pid), { what: 'the end of the worker' });
  },
);

it('takes no worker for lost because the machine slept', async () => {
  let aheadMs = 0;
  let looks = 0;
  const builds = await startBuilds({
    clock: () => {
      looks += 1;
      return Date.now() + aheadMs;
    },
  });
  const repository = await builds.createRepository();
  const job = await repository.push({ 'slipway.yml': slow(builds.root) });
  await builds.numberIn('pid');
  // An hour that nobody lived through: every checkup is an hour old, and the supervisor looks first.
  aheadMs = 3_600_000;
  looks = 0;
  await eventually(() => looks >= 3, { what: 'three looks of the supervisor' });
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
  expect(await findJob(builds.db, job.id)).toMatchObject({ status: 'running', attempt: 1, lostCount: 0 });
});

it('claims the next job of a worker in the transaction that ends the last one', async () => {
  const builds = await startBuilds();
  const repository = await builds.createRepository();
  const gate = `${builds.root}/gate`;
  const first = await repository.push({ 'slipway.yml': pipeline(`while [ ! -e ${gate} ]; do sleep 0.05; done`) });
  await eventually(async () => (await findJob(builds.db, first.id))?.status === 'running', { what: 'the first job' });
  const second = await repository.push({ 'slipway.yml': pipeline('true'), 'a.txt': 'b' });
  await writeFile(gate, '');
  const [ended, next] = [await builds.ended(first.id), await builds.ended(second.id)];
  expect([ended.status, next.status]).toEqual(['succeeded', 'succeeded']);
  expect(next.startedAt).toBe(ended.finishedAt);
  const events = await listEvents(builds.db, { after: 0, limit: 200 });
  const last = events.findIndex(({ type, jobId }) => type === 'job.finished' && jobId === first.id);
  expect(events[last + 1]).toMatchObject({ type: 'job.started', jobId: second.id });
  await eventually(async () => (await readdir(`${builds.root}/work`)).length === 0, { what: 'no work folder left' });
});

describe('a pool that stops', () => {
  it('ends the running step, and returns its job uncounted and without alarm', async () => {
    const builds = await startBuilds();
    const repository = await builds.createRepository();
    const job = await repository.push({ 'slipway.yml': slow(builds.root) });
    const stepPid = await builds.numberIn('pid');
    const [worker] = await listLiveWorkers(builds.db);
    await builds.pool.stop();

    expect(isAlive(stepPid)).toBe(false);
    expect(isAlive(worker?.pid ?? 0)).toBe(false);
    expect(await listLiveWorkers(builds.db)).toEqual([]);
    expect(await findJob(builds.db, job.id)).toMatchObject({ status: 'queued', attempt: 1, lostCount: 0 });
    const events = await listEvents(builds.db, { after: 0, limit: 100 });
    expect(events.map(event => event.type)).not.toContain('worker.lost');
    expect(events.find(event => event.type === 'job.requeued')?.data).toMatchObject({ reason: 'its engine ended' });
  });

  it('may be stopped twice, and before any job', async () => {
    const builds = await startBuilds({ workers: 2 });
    void builds.pool.stop();
    await builds.pool.stop();
    expect(await listLiveWorkers(builds.db)).toEqual([]);
  });
});

it('takes no job while it is paused', async () => {
  const builds = await startBuilds();
  await builds.pool.setMode('paused');
  const repository = await builds.createRepository();
  const job = await repository.push({ 'slipway.yml': pipeline('true') });
  const later = await repository.push({ 'a.txt': 'b' });
  expect(await findJob(builds.db, job.id)).toMatchObject({ status: 'queued', attempt: 0 });
  await builds.pool.setMode('running');
  expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded' });
  expect(await builds.ended(later.id)).toMatchObject({ status: 'succeeded' });
});
