/** Owns the suite that every implementation of the queue must pass. Knows the port, and the tables as every implementation has them. */
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src-main/contract/errors.ts';
import { listAttempts, listSteps } from '../../src-main/database/attempts.ts';
import { listEvents } from '../../src-main/database/events.ts';
import { findJob, type JobRecord } from '../../src-main/database/jobs.ts';
import type { Db } from '../../src-main/database/open-database.ts';
import { updateRepository } from '../../src-main/database/repositories.ts';
import {
  addSteps,
  type ClaimedJob,
  claimNextJob,
  finishAndClaimNext,
  finishJob,
  recordStep,
} from '../../src-main/queue/attempt.ts';
import { cancelJob, enqueueRevision, placeInQueue, retryJob } from '../../src-main/queue/enqueue.ts';
import { releaseJobOfLostWorker } from '../../src-main/queue/supervisor.ts';
import { addRepository, addWorker, newRevision } from './database-fixtures.ts';
import { agreeWithModel } from './queue-sequences.ts';

export interface QueueUnderTest {
  readonly db: Db;
  /** Fails where what a claim reads is not what the jobs say. */
  check(): Promise<void>;
}

const unreachable = new DomainError('git.unreachable', 'The host did not answer.');
const killed = {
  reason: 'it was killed',
  exitCode: null,
  signal: 'SIGKILL',
  silentMs: null,
  peakMemoryBytes: null,
  lastOutput: 'last words',
  logTail: '',
};

/** `make` opens an empty queue that is closed when the test is over. */
export function describeQueueConformance(name: string, make: () => Promise<QueueUnderTest>, numRuns: number): void {
  let now = 0;

  async function add(
    db: Db,
    repositoryId: string,
    options: { readonly trigger?: 'poll' | 'manual'; readonly priority?: boolean } = {},
  ): Promise<JobRecord> {
    const { trigger = 'poll', priority = false } = options;
    const job = await enqueueRevision(db, {
      ...{ repositoryId, trigger, priority, seenAtMs: now, now },
      revision: { revision: newRevision(), subject: 'Change', authorName: 'Ada', committedAtMs: null },
    });
    if (!job) throw new Error('the job was not queued');
    return job;
  }
  const claim = async (db: Db) => claimNextJob(db, await addWorker(db), now);
  async function mustClaim(db: Db): Promise<ClaimedJob> {
    const claimed = await claim(db);
    if (!claimed) throw new Error('there was nothing to claim');
    return claimed;
  }
  const succeed = (db: Db, claimed: ClaimedJob) =>
    finishJob(db, claimed, { status: 'succeeded', error: null, now: now + 1 });
  const fail = (db: Db, claimed: ClaimedJob, error = unreachable) =>
    finishJob(db, claimed, { status: 'failed', error, now: now + 1 });
  /** The numbers of the jobs in the order in which one worker gets them. */
  async function drain(db: Db): Promise<number[]> {
    const numbers: number[] = [];
    for (;;) {
      const claimed = await claim(db);
      if (!claimed) return numbers;
      numbers.push(claimed.job.number);
      await succeed(db, claimed);
    }
  }

  describe(`${name}: the queue port`, () => {
    it('agrees with the rules after every operation of random sequences', { timeout: 120_000 }, async () => {
      const { db, check } = await make();
      await agreeWithModel(db, check, numRuns);
    });

    it('serves a repository in order, the oldest first across repositories', async () => {
      const { db, check } = await make();
      const [a, b] = [await addRepository(db), await addRepository(db)];
      const jobs = [await add(db, a), await add(db, b), await add(db, b), await add(db, a)];
      expect(await drain(db)).toEqual(jobs.map(job => job.number));
      await check();
    });

    it('queues a revision once by polling, in each repository, and as often as people want it', async () => {
      const { db, check } = await make();
      const [id, other] = [await addRepository(db), await addRepository(db)];
      const revision = { revision: newRevision(), subject: 'Change "it"', authorName: 'Ada', committedAtMs: 7 };
      const poll = (repositoryId: string, trigger: 'poll' | 'added' | 'manual' = 'poll') =>
        enqueueRevision(db, { repositoryId, revision, trigger, seenAtMs: now + 3, now: now + 4 });
      const job = await poll(id);
      expect(await findJob(db, job?.id ?? '')).toMatchObject({ ...job });
      const told = { repositoryId: id, jobId: job?.id, data: { revision: revision.revision, subject: 'Change "it"' } };
      expect(await listEvents(db, { after: 0, limit: 50 })).toMatchObject([
        { type: 'revision.seen', atMs: now + 3, ...told },
        { type: 'job.queued', atMs: now + 4, ...told },
      ]);
      expect(await poll(id)).toBeNull();
      expect(await poll(id, 'added')).toBeNull();
      expect((await poll(other))?.id).not.toBe(job?.id);
      const byHand = [await poll(id, 'manual'), await poll(id, 'manual')].map(each => each?.id);
      expect(new Set([job?.id, ...byHand]).size).toBe(3);
      await updateRepository(db, id, { supersede: 1 });
      expect(await poll(id)).toBeNull();
      expect(await listEvents(db, { after: 0, limit: 50 })).toHaveLength(8);
      await succeed(db, await mustClaim(db));
      expect(await poll(id)).toBeNull();
      await check();
    });

    it('runs as many jobs of a repository at once as its cap says, also when the cap changes', async () => {
      const { db, check } = await make();
      const [a, b] = [await addRepository(db), await addRepository(db)];
      const jobs = [await add(db, a), await add(db, a), await add(db, a), await add(db, b)];
      const numberOf = (claimed: ClaimedJob | null) => jobs.findIndex(job => job.id === claimed?.job.id);
      const first = await mustClaim(db);
      expect([numberOf(first), numberOf(await claim(db)), await claim(db)]).toEqual([0, 3, null]);
      await updateRepository(db, a, { concurrency: 2 });
      expect([numberOf(await claim(db)), await claim(db)]).toEqual([1, null]);
      await updateRepository(db, a, { concurrency: 1 });
      await succeed(db, first);
      expect(await claim(db)).toBeNull();
      await check();
    });

    it('lifts the line of a repository up to a manual job with priority, and never reorders it', async () => {
      const { db, check } = await make();
      const [a, b] = [await addRepository(db), await addRepository(db)];
      const a1 = await add(db, a);
      const b1 = await add(db, b);
      const b2 = await add(db, b, { trigger: 'manual', priority: true });
      const b3 = await add(db, b);
      const order = [b1, b2, a1, b3];
      const places = await Promise.all(order.map(job => placeInQueue(db, job.id)));
      expect(places.map(place => place?.place)).toEqual([1, 2, 3, 4]);
      expect(await drain(db)).toEqual(order.map(job => job.number));
      await check();
    });

    it('gives no priority to a polled job', async () => {
      const { db } = await make();
      const [a, b] = [await addRepository(db), await addRepository(db)];
      const jobs = [await add(db, a), await add(db, b, { trigger: 'poll', priority: true })];
      expect(jobs[1]?.priority).toBe(0);
      expect(await drain(db)).toEqual(jobs.map(job => job.number));
    });

    it('supersedes polled jobs that wait, and neither what runs nor what a person queued', async () => {
      const { db, check } = await make();
      const id = await addRepository(db);
      await updateRepository(db, id, { supersede: 1 });
      const running = await add(db, id);
      await mustClaim(db);
      const polled = await add(db, id);
      const manual = await add(db, id, { trigger: 'manual' });
      expect(await findJob(db, polled.id)).toMatchObject({ status: 'queued' });
      const newest = await add(db, id);
      expect(await findJob(db, running.id)).toMatchObject({ status: 'running' });
      expect(await findJob(db, manual.id)).toMatchObject({ status: 'queued' });
      const gone = await findJob(db, polled.id);
      expect(gone).toMatchObject({ status: 'cancelled', finishedAt: now });
      expect(JSON.parse(gone?.error ?? '')).toMatchObject({
        message: `superseded by ${newest.revision.slice(0, 7)} (job #${newest.number})`,
        details: { supersededBy: newest.id },
      });
      const events = await listEvents(db, { after: 0, limit: 50, jobId: polled.id });
      expect(events.at(-1)).toMatchObject({ type: 'job.finished', data: { supersededBy: newest.id } });
      await check();
    });

    it('tries again by itself what may pass by itself, later and at most as often as it is told', async () => {
      const { db, check } = await make();
      const id = await addRepository(db);
      await updateRepository(db, id, { retryLimit: 2 });
      const job = await add(db, id);
      const behind = await add(db, id);
      for (const turn of [1, 2]) {
        expect(await fail(db, await mustClaim(db))).toBe('queued');
        const waiting = await findJob(db, job.id);
        expect(waiting).toMatchObject({ status: 'queued', automaticRetries: turn, finishedAt: null });
        expect(waiting?.notBefore).toBeGreaterThan(now + 1_000);
        // Those behind it wait too: the order of a repository is never changed.
        expect(await claim(db)).toBeNull();
        await check();
        now = waiting?.notBefore ?? 0;
      }
      expect(await fail(db, await mustClaim(db))).toBe('failed');
      expect((await mustClaim(db)).job.id).toBe(behind.id);
      expect((await listAttempts(db, job.id)).map(attempt => [attempt.outcome, attempt.error !== null])).toEqual([
        ['failed', true],
        ['failed', true],
        ['failed', true],
      ]);
      const events = await listEvents(db, { after: 0, limit: 50, jobId: job.id });
      expect(events.filter(event => event.type === 'job.requeued').map(event => event.data)).toMatchObject([
        { attempt: 1, retry: 1, error: 'git.unreachable' },
        { attempt: 2, retry: 2, error: 'git.unreachable' },
      ]);
    });

    it('tells every attempt once, while the newest runs, when it has ended, and when the job waits again', async () => {
      const { db, check } = await make();
      const job = await add(db, await addRepository(db));
      const told = async () =>
        (await listAttempts(db, job.id)).map(
          ({ attempt, workerId, workerName, outcome, startedAt, finishedAt, error }) => {
            expect([startedAt !== null, workerName]).toEqual([true, 'worker 1']);
            return [attempt, workerId, outcome, finishedAt !== null, error !== null];
          },
        );
      expect(await told()).toEqual([]);
      const first = await mustClaim(db);
      const failed = [1, first.token.workerId, 'failed', true, true];
      expect(await told()).toEqual([[1, first.token.workerId, 'running', false, false]]);
      const step = new DomainError('step.failed', 'It ended with 1.');
      expect(await fail(db, first, step)).toBe('failed');
      expect(await told()).toEqual([failed]);
      await retryJob(db, job.id, now);
      expect(await told()).toEqual([failed]);
      const second = await mustClaim(db);
      const lost = [2, second.token.workerId, 'lost', true, true];
      await releaseJobOfLostWorker(db, second.token.workerId, killed, now);
      expect(await told()).toEqual([failed, lost]);
      const third = await mustClaim(db);
      expect(await told()).toEqual([failed, lost, [3, third.token.workerId, 'running', false, false]]);
      await succeed(db, third);
      expect(await told()).toEqual([failed, lost, [3, third.token.workerId, 'succeeded', true, false]]);
      await check();
    });

    it('does not wait for days where the clock was set back after a failure', async () => {
      const { db, check } = await make();
      const job = await add(db, await addRepository(db));
      expect(await fail(db, await mustClaim(db))).toBe('queued');
      now -= 86_400_000;
      expect((await mustClaim(db)).job.id).toBe(job.id);
      now += 86_400_000;
      await check();
    });

    it('never tries again by itself what a step did, what was asked to cancel, or what must not run twice', async () => {
      const { db, check } = await make();
      const id = await addRepository(db);
      await add(db, id);
      expect(await fail(db, await mustClaim(db), new DomainError('step.failed', 'Exit code 1.'))).toBe('failed');

      const cancelled = await add(db, id);
      const claimed = await mustClaim(db);
      await cancelJob(db, cancelled.id, now);
      expect(await fail(db, claimed)).toBe('failed');

      await add(db, id);
      const migrating = await mustClaim(db);
      const step = { position: 0, name: 'Migrate', phase: 'build' as const, command: 'm', evidence: [] };
      await addSteps(db, migrating.token, [{ ...step, idempotent: false }], null);
      for (const status of ['running', 'succeeded'] as const) {
        await recordStep(db, migrating.token, id, 0, { status }, { name: 'Migrate', at: now });
      }
      expect(await fail(db, migrating)).toBe('failed');
      await check();
    });

    it('waits no longer for its time when a person says so', async () => {
      const { db } = await make();
      const job = await add(db, await addRepository(db));
      await fail(db, await mustClaim(db));
      expect(await retryJob(db, job.id, now)).toMatchObject({ status: 'queued', notBefore: 0, automaticRetries: 0 });
      expect((await mustClaim(db)).token).toMatchObject({ jobId: job.id, attempt: 2 });
    });

    it('waits no longer for its time when a person builds its repository', async () => {
      const { db } = await make();
      const id = await addRepository(db);
      const job = await add(db, id);
      await fail(db, await mustClaim(db));
      const byHand = await add(db, id, { trigger: 'manual' });
      expect(await drain(db)).toEqual([job.number, byHand.number]);
    });

    it('returns the job of a lost worker to its old place, and refuses the late writes of its attempt', async () => {
      const { db, check } = await make();
      const id = await addRepository(db);
      const job = await add(db, id);
      await add(db, id);
      const lost = await mustClaim(db);
      expect(await releaseJobOfLostWorker(db, lost.token.workerId, killed, now)).toMatchObject({ status: 'queued' });
      expect(await releaseJobOfLostWorker(db, lost.token.workerId, killed, now)).toBeNull();
      await check();
      const again = await mustClaim(db);
      expect(again.token).toMatchObject({ jobId: job.id, attempt: 2 });
      await expect(succeed(db, lost)).rejects.toMatchObject({ code: 'job.fenced' });
      const published: string[] = [];
      const late = finishJob(db, lost, {
        ...{ status: 'succeeded', error: null, now },
        publish: async () => void published.push('published'),
      });
      await expect(late).rejects.toMatchObject({ code: 'job.fenced' });
      expect(published).toEqual([]);
      await succeed(db, again);
      await check();
    });

    it('takes an operation back whole when what belongs to it cannot be written', async () => {
      const { db, check } = await make();
      const job = await add(db, await addRepository(db));
      const claimed = await mustClaim(db);
      await addSteps(
        db,
        claimed.token,
        [{ position: 0, name: 'Build', phase: 'build', command: 'make', idempotent: true, evidence: [] }],
        null,
      );
      const before = await listEvents(db, { after: 0, limit: 50 });
      const broken = finishJob(db, claimed, {
        ...{ status: 'succeeded', error: null, now },
        publish: () => Promise.reject(new Error('not recorded')),
      });
      await expect(broken).rejects.toThrow('not recorded');
      expect(await findJob(db, job.id)).toMatchObject({ status: 'running', workerId: claimed.token.workerId });
      expect(await listSteps(db, job.id, 1)).toMatchObject([{ status: 'pending' }]);
      expect(await listEvents(db, { after: 0, limit: 50 })).toEqual(before);
      await check();
    });

    it('ends an attempt and claims the next job for its worker in one transaction, in the order of the queue', async () => {
      const { db, check } = await make();
      const [capped, other] = [await addRepository(db), await addRepository(db)];
      const jobs = [await add(db, capped), await add(db, capped), await add(db, other)];
      const first = await mustClaim(db);
      const worker = { id: first.token.workerId, name: 'worker 1' };
      const done = { status: 'succeeded', error: null, now: now + 5 } as const;
      const { became, next } = await finishAndClaimNext(db, first, done, worker);
      // The end gives its repository room again, so that its older job is next.
      expect([became, next?.job.number]).toEqual(['succeeded', jobs[1]?.number]);
      expect(next?.token).toEqual({ jobId: jobs[1]?.id, attempt: 1, workerId: worker.id });
      expect(await findJob(db, first.job.id)).toMatchObject({ status: 'succeeded', finishedAt: now + 5 });
      expect(await findJob(db, jobs[1]?.id ?? '')).toMatchObject({ status: 'running', startedAt: now + 5 });
      const events = (await listEvents(db, { after: 0, limit: 50 })).slice(-2);
      expect(events.map(({ type, jobId }) => [type, jobId])).toEqual([
        ['job.finished', first.job.id],
        ['job.started', jobs[1]?.id],
      ]);
      await check();
      if (!next) return;
      const refused = new DomainError('git.unreachable', 'The host did not answer.');
      const retried = await finishAndClaimNext(db, next, { ...done, status: 'failed', error: refused }, worker);
      // What waits for its time is not claimed by the very worker that it failed on.
      expect([retried.became, retried.next?.job.number]).toEqual(['queued', jobs[2]?.number]);
      if (!retried.next) return;
      expect(await finishAndClaimNext(db, retried.next, done, worker)).toEqual({ became: 'succeeded', next: null });
      await check();
    });

    it('claims nothing with the end of an attempt that is refused or taken back', async () => {
      const { db, check } = await make();
      const id = await addRepository(db);
      await add(db, id);
      const waiting = await add(db, await addRepository(db));
      const lost = await mustClaim(db);
      const worker = { id: lost.token.workerId, name: 'worker 1' };
      const done = { status: 'succeeded', error: null, now } as const;
      const publish = () => Promise.reject(new Error('not recorded'));
      await expect(finishAndClaimNext(db, lost, { ...done, publish }, worker)).rejects.toThrow('not recorded');
      expect(await findJob(db, lost.job.id)).toMatchObject({ status: 'running' });
      await releaseJobOfLostWorker(db, worker.id, killed, now);
      const before = await listEvents(db, { after: 0, limit: 50 });
      for (const late of [done, { ...done, publish: async () => undefined }]) {
        await expect(finishAndClaimNext(db, lost, late, worker)).rejects.toMatchObject({ code: 'job.fenced' });
      }
      expect(await findJob(db, waiting.id)).toMatchObject({ status: 'queued', attempt: 0 });
      expect(await listEvents(db, { after: 0, limit: 50 })).toEqual(before);
      await check();
    });

    it('refuses what is not there, with the reason', async () => {
      const { db } = await make();
      const missing = { code: 'not_found' };
      await expect(add(db, 'nowhere')).rejects.toMatchObject(missing);
      await expect(cancelJob(db, 'nothing', now)).rejects.toMatchObject(missing);
      await expect(retryJob(db, 'nothing', now)).rejects.toMatchObject(missing);
      expect(await placeInQueue(db, 'nothing')).toBeNull();
      const removed = await addRepository(db);
      await updateRepository(db, removed, { removedAt: now });
      await expect(add(db, removed)).rejects.toMatchObject(missing);
    });

    it('gives each job once, however many ask at the same time', async () => {
      const { db, check } = await make();
      const jobs = [];
      for (let count = 0; count < 12; count += 1) jobs.push(await add(db, await addRepository(db)));
      const claims = await Promise.all(Array.from({ length: 20 }, () => claim(db)));
      const numbers = claims.flatMap(claimed => claimed?.job.number ?? []);
      expect(numbers.toSorted((x, y) => x - y)).toEqual(jobs.map(job => job.number));
      await check();
    });
  });
}
