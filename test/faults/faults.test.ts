/** Faults under a real engine: each is named by the status, loses no job, and is over by itself when its cause is. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findJob } from '../../src-main/database/jobs.ts';
import { findRepository } from '../../src-main/database/repositories.ts';
import { listLiveWorkers } from '../../src-main/database/workers.ts';
import { enqueueRevision } from '../../src-main/queue/enqueue.ts';
import { isAlive } from '../support/child-program.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { canFailDisks, canMount, mountFailingDisk, mountSmallDisk } from '../support/small-disk.ts';
import { type FaultEngine, startFaultEngine, waitingSource } from './fault-engine.ts';

const dayMs = 86_400_000;
const mountable = canMount();
const breakable = await canFailDisks();

async function smallDisk(folder: string) {
  const disk = await mountSmallDisk(`${folder}/data`, '24m');
  onTestFinished(() => disk.unmount());
  return disk;
}

const untilProblem = ({ problems }: FaultEngine, code: string) =>
  eventually(async () => (await problems()).includes(code), { timeoutMs: 120_000, what: code });
const untilWell = ({ problems }: FaultEngine) =>
  eventually(async () => (await problems()).length === 0, { timeoutMs: 120_000, what: 'a status without problems' });

async function lockDatabase(file: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./lock-program.ts', import.meta.url)), [file], { execArgv: [] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'message');
  return child;
}

describe.skipIf(!mountable)('a disk of the data folder', () => {
  it('that is full during a job is named, and the job succeeds when there is space again', async () => {
    const folder = await scratchFolder();
    const disk = await smallDisk(folder);
    const source = await waitingSource(folder);
    const host = await startFaultEngine(disk.path);
    await host.engine.repositories.add({ url: source.url });
    const job = await host.waitingJob();
    await disk.fill();
    await untilProblem(host, 'store.full');
    await source.go();
    await eventually(async () => (await listLiveWorkers(host.engine.db)).length > 0, {
      what: 'the table to be readable',
    });
    expect(await findJob(host.engine.db, job.id)).toMatchObject({ id: job.id });
    await disk.free();
    expect(await host.succeeded(job.id)).toMatchObject({ status: 'succeeded' });
    await untilWell(host);
  });

  it('that is read-only refuses a start by name, and the waiting job runs when it is writable', async () => {
    const folder = await scratchFolder();
    const disk = await smallDisk(folder);
    const source = await waitingSource(folder);
    await source.go();
    const before = await startFaultEngine(disk.path, { workers: 0 });
    await before.engine.repositories.add({ url: source.url });
    await before.stop();
    await disk.setReadOnly(true);
    await expect(startFaultEngine(disk.path)).rejects.toMatchObject({
      code: 'data.unwritable',
      message: expect.stringContaining(disk.path),
    });
    await disk.setReadOnly(false);
    const host = await startFaultEngine(disk.path);
    const [job] = await host.engine.db.selectFrom('jobs').selectAll().execute();
    expect(await host.ended(job?.id ?? '')).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});

it.skipIf(!breakable)(
  'a disk that turns read-only under a running job is named, and after its repair the job runs again',
  async () => {
    const folder = await scratchFolder();
    const disk = await mountFailingDisk(`${folder}/data`, 64);
    onTestFinished(() => disk.unmount());
    const source = await waitingSource(folder);
    const before = await startFaultEngine(disk.path);
    await before.engine.repositories.add({ url: source.url });
    const job = await before.waitingJob();
    await disk.fail();
    await untilProblem(before, 'data.unwritable');
    await source.go();
    await before.stop();
    await disk.repair();
    const host = await startFaultEngine(disk.path);
    expect(await host.ended(job.id)).toMatchObject({ status: 'succeeded' });
    await untilWell(host);
    const jobs = await host.engine.db.selectFrom('jobs').selectAll().execute();
    expect(jobs.map(({ id }) => id)).toEqual([job.id]);
  },
);

it('a database that another program locks for longer than anyone waits is named, and everything goes on when it lets go', async () => {
  const folder = await scratchFolder();
  const source = await waitingSource(folder);
  const host = await startFaultEngine(`${folder}/data`);
  const { id: repositoryId } = await host.engine.repositories.add({ url: source.url });
  const job = await host.waitingJob();
  const other = await lockDatabase(host.engine.folder.databaseFile);
  // The step ends while nothing can be recorded.
  await source.go();
  await untilProblem(host, 'data.busy');
  const now = Date.now();
  const revision = { revision: 'f'.repeat(40), subject: 'Late', authorName: 'Ada', committedAtMs: now };
  const enqueueing = enqueueRevision(host.engine.db, { repositoryId, revision, trigger: 'manual', seenAtMs: now, now });
  await expect(enqueueing).rejects.toMatchObject({ code: 'data.busy', retry: 'automatic' });
  other.send('let go');
  await once(other, 'exit');
  expect(await host.succeeded(job.id)).toMatchObject({ status: 'succeeded' });
  await untilWell(host);
  const jobs = await host.engine.db.selectFrom('jobs').selectAll().execute();
  expect(jobs.map(({ revision: name }) => name)).toEqual([job.revision]);
});

describe('a clock that is set', () => {
  it.each([
    ['forwards', dayMs],
    ['backwards', -dayMs],
  ])('%s by a day ends no worker, and polls and jobs go on', async (_, jumpMs) => {
    const folder = await scratchFolder();
    const source = await waitingSource(folder);
    let aheadMs = 0;
    let looks = 0;
    const clock = () => {
      looks += 1;
      return Date.now() + aheadMs;
    };
    const host = await startFaultEngine(`${folder}/data`, { clock });
    const { id } = await host.engine.repositories.add({ url: source.url });
    const job = await host.waitingJob();
    const polled = async () => (await findRepository(host.engine.db, id))?.checkupAt ?? 0;
    aheadMs = jumpMs;
    looks = 0;
    await eventually(() => looks >= 20, { what: 'looks at the set clock' });
    // Planned on the clock before: the next poll comes all the same.
    await eventually(async () => Math.abs((await polled()) - (Date.now() + jumpMs)) < dayMs / 2, { what: 'a poll' });
    expect(await host.eventTypes()).not.toContain('worker.lost');
    expect(await findJob(host.engine.db, job.id)).toMatchObject({ status: 'running', attempt: 1 });
    await git(source.url, 'commit', '--quiet', '--allow-empty', '-m', 'Next');
    await host.engine.poller.pollNow(id);
    await source.go();
    expect(await host.succeeded(job.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    const jobs = await host.engine.db.selectFrom('jobs').selectAll().orderBy('number').execute();
    expect(jobs).toHaveLength(2);
    const [first, second] = await Promise.all(jobs.map(({ id: jobId }) => host.succeeded(jobId)));
    expect(second).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThanOrEqual(0);
  });

  it('backwards by a day while a worker stands still does not hide that', async () => {
    const folder = await scratchFolder();
    const source = await waitingSource(folder);
    let aheadMs = 0;
    let fasterSince: number | null = null;
    const clock = () => Date.now() + aheadMs + (fasterSince === null ? 0 : (Date.now() - fasterSince) * 1.5);
    const host = await startFaultEngine(`${folder}/data`, { clock });
    await host.engine.repositories.add({ url: source.url });
    const job = await host.waitingJob();
    const [worker] = await listLiveWorkers(host.engine.db);
    if (!worker) throw new Error('there is no worker');
    process.kill(worker.pid, 'SIGSTOP');
    aheadMs = -dayMs;
    // Time runs faster, for the engine alone; not so fast that it would take it for a sleep of the machine.
    fasterSince = Date.now();
    await eventually(() => !isAlive(worker.pid), {
      timeoutMs: 60_000,
      what: 'the end of the worker that stands still',
    });
    await source.go();
    expect(await host.succeeded(job.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
  });
});
