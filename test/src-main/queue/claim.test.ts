import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { listAttempts, listSteps } from '../../../src-main/database/attempts.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import type { Db } from '../../../src-main/database/open-database.ts';
import { findRepository } from '../../../src-main/database/repositories.ts';
import {
  addSteps,
  type ClaimedJob,
  claimNextJob,
  finishJob,
  type NewStep,
  recordStep,
} from '../../../src-main/queue/attempt.ts';
import { cancelJob, enqueueRevision, retryJob } from '../../../src-main/queue/enqueue.ts';
import { startDatabaseProgram } from '../../support/child-program.ts';
import {
  addJob,
  addRepository,
  addWorker,
  eventTypes,
  newRevision,
  testDatabase,
} from '../../support/database-fixtures.ts';

const step: NewStep = {
  position: 0,
  name: 'Build',
  phase: 'build',
  command: 'make',
  idempotent: true,
  evidence: [],
};

async function mustClaim(db: Db, worker: { id: string; name: string }): Promise<ClaimedJob> {
  const claimed = await claimNextJob(db, worker, 10);
  if (!claimed) throw new Error('there was nothing to claim');
  return claimed;
}

const succeed = (db: Db, claimed: ClaimedJob) => finishJob(db, claimed, { status: 'succeeded', error: null, now: 20 });

describe('the queue', () => {
  it('gives the jobs of a repository in their order, one at a time', async () => {
    const { db } = await testDatabase();
    const repositoryId = await addRepository(db);
    const jobs = [await addJob(db, repositoryId), await addJob(db, repositoryId), await addJob(db, repositoryId)];
    const worker = await addWorker(db);
    const order: string[] = [];
    for (const _ of jobs) {
      const claimed = await mustClaim(db, worker);
      expect(await claimNextJob(db, await addWorker(db), 10)).toBeNull();
      order.push(claimed.job.id);
      await succeed(db, claimed);
    }
    expect(order).toEqual(jobs.map(job => job.id));
    expect(await claimNextJob(db, worker, 10)).toBeNull();
  });

  it('passes over a repository that builds, to the next one in line', async () => {
    const { db } = await testDatabase();
    const [first, second] = [await addRepository(db), await addRepository(db)];
    const a1 = await addJob(db, first);
    const a2 = await addJob(db, first);
    const b1 = await addJob(db, second);
    const worker = await addWorker(db);
    const claimed = await mustClaim(db, worker);
    expect(claimed.job.id).toBe(a1.id);
    expect((await mustClaim(db, await addWorker(db))).job.id).toBe(b1.id);
    await succeed(db, claimed);
    expect((await mustClaim(db, worker)).job.id).toBe(a2.id);
  });

  it('gives each job to one of several processes', async () => {
    const { db, file } = await testDatabase();
    const jobs: string[] = [];
    for (let index = 0; index < 24; index += 1) jobs.push((await addJob(db, await addRepository(db))).id);
    const workers = [await addWorker(db, 'one'), await addWorker(db, 'two')];
    const children = await Promise.all(workers.map(worker => startDatabaseProgram('claim', file, worker.id)));
    const results = children.map(child => once(child, 'message'));
    for (const child of children) child.send('go');
    const claimed = (await Promise.all(results)).flatMap(([ids]) => ids as string[]);
    expect(claimed.toSorted()).toEqual(jobs.toSorted());
    expect(new Set(claimed).size).toBe(jobs.length);
  });

  it('makes one job of a revision, however often a poll sees it', async () => {
    const { db } = await testDatabase();
    const repositoryId = await addRepository(db);
    const revision = { revision: newRevision(), subject: 's', authorName: 'a', committedAtMs: 1 };
    const request = { repositoryId, revision, seenAtMs: 1, now: 2 } as const;
    expect(await enqueueRevision(db, { ...request, trigger: 'added' })).toMatchObject({ status: 'queued' });
    expect(await enqueueRevision(db, { ...request, trigger: 'poll' })).toBeNull();
    expect(await enqueueRevision(db, { ...request, trigger: 'manual' })).toMatchObject({ trigger: 'manual' });
    expect((await findRepository(db, repositoryId))?.currentRevision).toBe(revision.revision);
    expect(await eventTypes(db)).toEqual(['revision.seen', 'job.queued', 'revision.seen', 'job.queued']);
  });
});

describe('a stale token', () => {
  async function fenced() {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const worker = await addWorker(db);
    const old = await mustClaim(db, worker);
    await addSteps(db, old.token, [step], null);
    // Taken away and given out again, to the very same worker: only the attempt's number tells them apart.
    await db.updateTable('jobs').set({ status: 'queued', workerId: null }).where('id', '=', job.id).execute();
    const current = await mustClaim(db, worker);
    return { db, job, old, current };
  }

  it.each([
    ['more steps', (db: Db, old: ClaimedJob) => addSteps(db, old.token, [{ ...step, position: 1 }], null)],
    [
      'the end of a step',
      (db: Db, old: ClaimedJob) =>
        recordStep(db, old.token, old.job.repositoryId, 0, { status: 'succeeded' }, { name: 'Build', at: 30 }),
    ],
    ['success', (db: Db, old: ClaimedJob) => succeed(db, old)],
    [
      'failure',
      (db: Db, old: ClaimedJob) =>
        finishJob(db, old, { status: 'failed', error: new DomainError('step.failed', 'no'), now: 30 }),
    ],
  ])('cannot write %s', async (_what, write) => {
    const { db, job, old } = await fenced();
    const before = { events: await eventTypes(db), job: await findJob(db, job.id) };
    await expect(write(db, old)).rejects.toMatchObject({ code: 'job.fenced' });
    expect({ events: await eventTypes(db), job: await findJob(db, job.id) }).toEqual(before);
    expect(await listSteps(db, job.id, 1)).toMatchObject([{ position: 0, status: 'pending' }]);
    expect(await listAttempts(db, job.id)).toMatchObject([{ attempt: 2, outcome: 'running' }]);
  });

  it('publishes nothing', async () => {
    const { db, old } = await fenced();
    const published: string[] = [];
    const publish = async () => {
      published.push('published');
    };
    await expect(finishJob(db, old, { status: 'succeeded', error: null, now: 30, publish })).rejects.toMatchObject({
      code: 'job.fenced',
    });
    expect(published).toEqual([]);
  });

  it('does not hinder the attempt that runs', async () => {
    const { db, job, current } = await fenced();
    await addSteps(db, current.token, [step], null);
    await succeed(db, current);
    const { workerId } = current.token;
    expect(await findJob(db, job.id)).toMatchObject({ status: 'succeeded', attempt: 2, workerId });
    expect(await listAttempts(db, job.id)).toMatchObject([{ attempt: 2, workerId, outcome: 'succeeded' }]);
  });
});

it('records no success when what it publishes cannot be recorded', async () => {
  const { db } = await testDatabase();
  const job = await addJob(db, await addRepository(db));
  const claimed = await mustClaim(db, await addWorker(db));
  const publish = () => Promise.reject(new Error('the build could not be recorded'));
  await expect(finishJob(db, claimed, { status: 'succeeded', error: null, now: 30, publish })).rejects.toThrow();
  expect(await findJob(db, job.id)).toMatchObject({ status: 'running' });
});

describe('cancel', () => {
  it('ends a queued job at once, and may be repeated', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    expect(await cancelJob(db, job.id, 50)).toMatchObject({ status: 'cancelled', finishedAt: 50 });
    expect(await cancelJob(db, job.id, 60)).toMatchObject({ status: 'cancelled', finishedAt: 50 });
    expect(await claimNextJob(db, await addWorker(db), 70)).toBeNull();
  });

  it('asks the worker of a running job, and refuses for a finished one', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const claimed = await mustClaim(db, await addWorker(db));
    expect(await cancelJob(db, job.id, 50)).toMatchObject({ status: 'running', cancelRequestedAt: 50 });
    await succeed(db, claimed);
    await expect(cancelJob(db, job.id, 60)).rejects.toMatchObject({
      code: 'conflict',
      message: `Job ${job.number} has already succeeded; there is nothing to cancel.`,
    });
  });

  it('of an unknown job says so', async () => {
    const { db } = await testDatabase();
    await expect(cancelJob(db, 'nothing', 50)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('retry', () => {
  it('runs a failed job as its next attempt, at its old place', async () => {
    const { db } = await testDatabase();
    const repositoryId = await addRepository(db);
    const job = await addJob(db, repositoryId);
    await addJob(db, repositoryId);
    const worker = await addWorker(db);
    const first = await mustClaim(db, worker);
    await finishJob(db, first, { status: 'failed', error: new DomainError('step.failed', 'no'), now: 20 });
    expect(await retryJob(db, job.id, 30)).toMatchObject({ status: 'queued', error: null, finishedAt: null });
    const second = await mustClaim(db, worker);
    expect(second.token).toMatchObject({ jobId: job.id, attempt: 2 });
    await succeed(db, second);
    expect((await listAttempts(db, job.id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'succeeded'],
    ]);
  });

  it.each(['queued', 'running', 'succeeded'])('is refused while the job is %s', async status => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    if (status !== 'queued') {
      const claimed = await mustClaim(db, await addWorker(db));
      if (status === 'succeeded') await succeed(db, claimed);
    }
    await expect(retryJob(db, job.id, 30)).rejects.toMatchObject({ code: 'conflict' });
    expect(await findJob(db, job.id)).toMatchObject({ status });
  });

  it('forgets an earlier wish to cancel', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const worker = await addWorker(db);
    const claimed = await mustClaim(db, worker);
    await cancelJob(db, job.id, 20);
    await finishJob(db, claimed, { status: 'cancelled', error: null, now: 30 });
    await retryJob(db, job.id, 40);
    expect((await mustClaim(db, worker)).job).toMatchObject({ cancelRequestedAt: null, attempt: 2 });
    expect((await listEvents(db, { after: 0, limit: 50, jobId: job.id })).map(event => event.type)).toEqual([
      'revision.seen',
      'job.queued',
      'job.started',
      'job.finished',
      'job.queued',
      'job.started',
    ]);
  });
});
