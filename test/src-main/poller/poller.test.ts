import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findRepository, insertRepository, updateRepository } from '../../../src-main/database/repositories.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { addWorker } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { type GitServer, git, startGitServer } from '../../support/git-server.ts';
import { startPolling } from '../../support/polling.ts';

const onEnd = endsWithFile();
let server: GitServer;
let names = 0;

beforeAll(async () => {
  server = await startGitServer();
  onEnd(() => server.stop());
});

async function newRepository() {
  names += 1;
  const repository = await server.createRepository(`repository-${names}`);
  const first = await repository.commit({ 'a.txt': '1' }, 'First');
  return { ...repository, first };
}

describe('a poll', () => {
  it('makes a job of the first revision, and of each new one, once', async () => {
    const { poller, repositories, jobsOf, eventsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await poller.pollNow(id);
    const second = await source.commit({ 'a.txt': '2' }, 'Second: the subject');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await jobsOf(id)).toMatchObject([
      { revision: source.first, trigger: 'added', status: 'queued' },
      { revision: second, trigger: 'poll', status: 'queued', subject: 'Second: the subject', authorName: 'Ada' },
    ]);
    expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
      'repository.added',
      'revision.seen',
      'job.queued',
      'revision.seen',
      'job.queued',
    ]);
  });

  it('comes by itself when its time has come', async () => {
    const { db, poller, repositories, jobsOf } = await startPolling({ intervalMs: 50 });
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    const second = await source.commit({ 'a.txt': '2' }, 'Second');
    await updateRepository(db, id, { nextPollAt: 0 });
    poller.start();
    await eventually(async () => (await jobsOf(id)).some(job => job.revision === second), { what: 'the job' });
  });

  it('of a branch that was deleted says so, keeps its queued jobs, and recovers', async () => {
    const { poller, repositories, jobsOf, errorOf, eventsOf } = await startPolling();
    const source = await newRepository();
    await git(source.folder, 'branch', 'release');
    const { id } = await repositories.add({ url: source.url, branch: 'release' });
    await git(source.folder, 'branch', '-D', 'release');
    await poller.pollNow(id);
    await poller.pollNow(id);
    expect(await errorOf(id)).toMatchObject({
      code: 'git.branch_missing',
      message: expect.stringContaining('release'),
    });
    expect(await jobsOf(id)).toMatchObject([{ status: 'queued' }]);
    await git(source.folder, 'branch', 'release', source.first);
    await poller.pollNow(id);
    expect(await errorOf(id)).toBeNull();
    expect((await eventsOf(id)).map(({ type }) => type).filter(type => type.startsWith('poll.'))).toEqual([
      'poll.failed',
      'poll.recovered',
    ]);
    expect(await jobsOf(id)).toHaveLength(1);
  });

  it('of a host that is down is told once, waits longer each time, and recovers', async () => {
    const { db, poller, repositories, errorOf, eventsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    // A port that was ours a moment ago: nobody listens on it now.
    const closed = createServer();
    await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise(resolve => closed.close(resolve));
    await updateRepository(db, id, { url: `http://127.0.0.1:${port}/gone.git` });
    const waits: number[] = [];
    for (let failure = 1; failure <= 4; failure += 1) {
      const before = Date.now();
      await poller.pollNow(id);
      const repository = await findRepository(db, id);
      expect(repository?.pollFailures).toBe(failure);
      waits.push((repository?.nextPollAt ?? 0) - before);
    }
    expect(await errorOf(id)).toMatchObject({ code: 'git.unreachable', retry: 'automatic' });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(10_000);
    // Doubled thrice, with a fifth of jitter either way.
    expect(waits[3]).toBeGreaterThan(60_000);
    await updateRepository(db, id, { url: source.url });
    await poller.pollNow(id);
    expect(await findRepository(db, id)).toMatchObject({ pollFailures: 0, pollError: null });
    expect((await eventsOf(id)).map(({ type }) => type).filter(type => type.startsWith('poll.'))).toEqual([
      'poll.failed',
      'poll.recovered',
    ]);
  });
});

/** A server of its own for each host that suffers: `answer` is called for each request. */
async function startHost(answer: RequestListener): Promise<string> {
  const host = createServer(answer);
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    host.closeAllConnections();
    host.close();
  });
  return `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
}

describe('a host', () => {
  it('that hangs holds up no other, however many repositories lie on it', async () => {
    const { db, poller, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    let asked = 0;
    const hanging = await startHost(() => {
      asked += 1;
    });
    for (let index = 0; index < 400; index += 1) {
      await insertRepository(db, {
        id: uuidv7(),
        name: `hanging ${index}`,
        url: `${hanging}/${index}.git`,
        vcs: 'git',
        branch: 'main',
        nextPollAt: 0,
        pollFailures: 0,
        addedAt: 0,
      });
    }
    poller.start();
    await eventually(() => asked >= 16, { what: 'the hanging host to be asked' });
    const second = await source.commit({ 'a.txt': '2' }, 'Second');
    await updateRepository(db, id, { pollIntervalMs: 2_000 });
    await eventually(async () => (await jobsOf(id)).some(job => job.revision === second), { what: 'the job' });
    // As many as were under way when nothing was known of it, and then one at a time.
    expect(asked).toBeLessThan(32);
  });

  it('that is asked too often is left alone as long as it asks, and says so', async () => {
    const { db, poller, repositories, errorOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    let asked = 0;
    const busy = await startHost((_, response) => {
      asked += 1;
      response.writeHead(429, { 'retry-after': '600' }).end();
    });
    await updateRepository(db, id, { url: `${busy}/a.git`, nextPollAt: 0 });
    poller.start();
    await eventually(async () => (await errorOf(id))?.code === 'git.rate_limited', { what: 'the refusal' });
    const pace = poller.paceOf(id);
    expect(pace).toMatchObject({ paceMs: 20_000, host: { host: busy, stretch: 2, failures: 1 } });
    expect((pace?.host.heldUntilMs ?? 0) - Date.now()).toBeGreaterThan(500_000);
    expect(asked).toBe(1);
  });
});

it('looks at the files of a repository on this machine, and lists it only when they have changed', async () => {
  const { poller, repositories, jobsOf, db } = await startPolling();
  const source = await newRepository();
  const { id } = await repositories.add({ url: source.folder });
  await poller.pollNow(id);
  poller.start();
  const lookedAt = async () => (await findRepository(db, id))?.checkupAt ?? 0;
  const first = await lookedAt();
  await eventually(async () => (await lookedAt()) > first + 1_000, { what: 'more looks' });
  const second = await source.commit({ 'a.txt': '2' }, 'Second');
  await eventually(async () => (await jobsOf(id)).some(job => job.revision === second), { what: 'the job' });
  const third = await source.commit({ 'a.txt': '3' }, 'Third');
  await git(source.folder, 'pack-refs', '--all');
  await eventually(async () => (await jobsOf(id)).some(job => job.revision === third), {
    what: 'the job of a packed ref',
  });
});

describe('a force push', () => {
  it('cancels queued jobs that left the branch, with the reason, and no others', async () => {
    const { db, poller, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    const left = await source.commit({ 'a.txt': 'left' }, 'Left behind');
    await poller.pollNow(id);
    const byHand = await repositories.buildNow(id);
    await git(source.folder, 'reset', '--quiet', '--hard', source.first);
    const replaced = await source.commit({ 'a.txt': 'instead' }, 'Instead');
    await poller.pollNow(id);
    const jobs = await jobsOf(id);
    expect(jobs.map(({ revision, status }) => [revision, status])).toEqual([
      [source.first, 'queued'],
      [left, 'cancelled'],
      [left, 'queued'],
      [replaced, 'queued'],
    ]);
    expect(jobs[2]?.id).toBe(byHand.id);
    expect(JSON.parse(jobs[1]?.error ?? '{}')).toMatchObject({
      code: 'job.cancelled',
      message: expect.stringContaining('force push'),
    });
    const worker = await addWorker(db);
    expect((await claimNextJob(db, worker, 1))?.job.revision).toBe(source.first);
  });

  it('that is taken back queues again what it had cancelled', async () => {
    const { poller, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    const left = await source.commit({ 'a.txt': 'left' }, 'Left behind');
    await poller.pollNow(id);
    await git(source.folder, 'reset', '--quiet', '--hard', source.first);
    await poller.pollNow(id);
    expect((await jobsOf(id)).find(job => job.revision === left)).toMatchObject({ status: 'cancelled' });
    await git(source.folder, 'reset', '--quiet', '--hard', left);
    await poller.pollNow(id);
    expect((await jobsOf(id)).find(job => job.revision === left)).toMatchObject({ status: 'queued' });
  });

  it('that is taken back queues again what was superseded', async () => {
    const { poller, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await repositories.setQueue(id, { supersede: true });
    const next = await source.commit({ 'a.txt': 'next' }, 'Next');
    await poller.pollNow(id);
    expect((await jobsOf(id)).map(({ revision, status }) => [revision, status])).toEqual([
      [source.first, 'cancelled'],
      [next, 'queued'],
    ]);
    await git(source.folder, 'reset', '--quiet', '--hard', source.first);
    await poller.pollNow(id);
    expect((await jobsOf(id)).map(({ revision, status }) => [revision, status])).toEqual([
      [source.first, 'queued'],
      [next, 'cancelled'],
    ]);
  });

  it('is followed also when the old revision is nowhere any more', async () => {
    const { db, poller, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    const claimed = await claimNextJob(db, await addWorker(db), 1);
    if (claimed) await finishJob(db, claimed, { status: 'succeeded', error: null, now: 2 });
    // As after the loss of the mirror: this revision is neither there nor on the server.
    await updateRepository(db, id, { seenRevision: 'e'.repeat(40) });
    const second = await source.commit({ 'a.txt': '2' }, 'Second');
    await poller.pollNow(id);
    expect((await findRepository(db, id))?.pollError).toBeNull();
    expect((await jobsOf(id)).at(-1)).toMatchObject({ revision: second, status: 'queued' });
  });
});

it('changes how jobs are queued, one setting or all, and tells of it', async () => {
  const { db, repositories, eventsOf } = await startPolling();
  const source = await newRepository();
  const { id } = await repositories.add({ url: source.url });
  expect(await findRepository(db, id)).toMatchObject({ concurrency: 1, supersede: 0, retryLimit: 3 });
  await repositories.setQueue(id, { concurrency: 4 });
  await repositories.setQueue(id, { supersede: true, retryLimit: 0 });
  await repositories.setQueue(id, {});
  expect(await findRepository(db, id)).toMatchObject({ concurrency: 4, supersede: 1, retryLimit: 0 });
  expect((await eventsOf(id)).filter(({ type }) => type === 'repository.changed')).toHaveLength(2);
  await expect(repositories.setQueue('nothing', { concurrency: 2 })).rejects.toMatchObject({ code: 'not_found' });
});

it('builds now with priority where it is asked to', async () => {
  const { repositories } = await startPolling();
  const source = await newRepository();
  const { id } = await repositories.add({ url: source.url });
  expect(await repositories.buildNow(id)).toMatchObject({ trigger: 'manual', priority: 0 });
  expect(await repositories.buildNow(id, { priority: true })).toMatchObject({ trigger: 'manual', priority: 1 });
});

describe('adding a repository', () => {
  it('shows branches and plan before anything is saved', async () => {
    const { db, repositories } = await startPolling();
    const source = await newRepository();
    await source.commit({ 'slipway.yml': 'steps:\n  - run: "true"\n' }, 'Pipeline');
    const inspection = await repositories.inspect({ url: source.url });
    expect(inspection).toMatchObject({ defaultBranch: 'main', planError: null, plan: { origin: 'pipeline' } });
    expect(inspection.branches.map(branch => branch.name)).toEqual(['main']);
    expect(await listEvents(db, { after: 0, limit: 10 })).toEqual([]);
  });

  it.each([
    ['a URL that is none', { url: 'not a url at all' }, 'git.url_invalid'],
    ['a repository that is not there', { url: '/nowhere/at/all' }, 'git.not_found'],
  ])('of %s is refused, and nothing is saved', async (_what, request, code) => {
    const { db, repositories } = await startPolling();
    await expect(repositories.add(request)).rejects.toMatchObject({ code });
    expect(await listEvents(db, { after: 0, limit: 10 })).toEqual([]);
  });

  it('twice is refused with the name of the first, and another branch is welcome', async () => {
    const { repositories } = await startPolling();
    const source = await newRepository();
    await git(source.folder, 'branch', 'next');
    await repositories.add({ url: source.url, name: 'Harbour' });
    await expect(repositories.add({ url: source.url })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Harbour'),
    });
    await expect(repositories.add({ url: source.url, branch: 'missing' })).rejects.toMatchObject({
      code: 'git.branch_missing',
    });
    await expect(repositories.add({ url: source.url, branch: 'next' })).resolves.toMatchObject({ branch: 'next' });
  });

  it('and removing it cancels what runs, which is never released nor tried again', async () => {
    const { db, repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    const worker = await addWorker(db);
    const claimed = await claimNextJob(db, worker, 1);
    if (!claimed) throw new Error('there was nothing to claim');
    await repositories.remove(id);
    expect(await jobsOf(id)).toMatchObject([{ status: 'running', cancelRequestedAt: expect.any(Number) }]);
    const error = new DomainError('git.unreachable', 'It cannot be reached.');
    expect(await finishJob(db, claimed, { status: 'failed', error, now: 2 })).toBe('failed');
  });

  it('and removing it cancels what is queued, and lets it be added again', async () => {
    const { repositories, jobsOf } = await startPolling();
    const source = await newRepository();
    const { id } = await repositories.add({ url: source.url });
    await repositories.remove(id);
    expect(await jobsOf(id)).toMatchObject([{ status: 'cancelled' }]);
    await expect(repositories.remove(id)).rejects.toMatchObject({ code: 'not_found' });
    expect((await repositories.add({ url: source.url })).id).not.toBe(id);
  });
});
