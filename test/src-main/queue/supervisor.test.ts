import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listAttempts, listSteps } from '../../../src-main/database/attempts.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { type Db, inTransaction } from '../../../src-main/database/open-database.ts';
import { findWorker, updateWorker } from '../../../src-main/database/workers.ts';
import { addSteps, claimNextJob, type NewStep, recordStep } from '../../../src-main/queue/attempt.ts';
import { cancelJob } from '../../../src-main/queue/enqueue.ts';
import { releaseJobOfLostWorker } from '../../../src-main/queue/supervisor.ts';
import { findLostWorkers } from '../../../src-main/queue/worker-losses.ts';
import { addJob, addRepository, addWorker, eventTypes, testDatabase } from '../../support/database-fixtures.ts';

const evidence = {
  reason: 'its process was killed by SIGKILL',
  exitCode: null,
  signal: 'SIGKILL',
  silentMs: null,
  peakMemoryBytes: 1_000,
  lastOutput: '',
  logTail: '',
};

/** Claims the next job and begins its first step; the worker's id. */
async function beginStep(db: Db, idempotent = true): Promise<string> {
  const worker = await addWorker(db);
  const claimed = await claimNextJob(db, worker, 10);
  if (!claimed) throw new Error('there was nothing to claim');
  const steps: NewStep[] = [
    { position: 0, name: 'Build', phase: 'build', command: 'true', idempotent, evidence: [] },
    { position: 1, name: 'Test', phase: 'test', command: 'true', idempotent: true, evidence: [] },
  ];
  await addSteps(db, claimed.token, steps, null);
  await recordStep(db, claimed.token, claimed.job.repositoryId, 0, { status: 'running' }, { name: 'Build', at: 11 });
  return worker.id;
}

describe('the job of a lost worker', () => {
  it('goes back to its old place twice, and fails at the third loss', async () => {
    const { db } = await testDatabase();
    const repositoryId = await addRepository(db);
    const job = await addJob(db, repositoryId);
    await addJob(db, repositoryId);
    for (const attempt of [1, 2]) {
      expect(await releaseJobOfLostWorker(db, await beginStep(db), evidence, 20)).toMatchObject({
        id: job.id,
        status: 'queued',
        attempt,
        lostCount: attempt,
      });
    }
    const last = await releaseJobOfLostWorker(db, await beginStep(db), evidence, 30);
    expect(last).toMatchObject({ id: job.id, status: 'failed', lostCount: 3, finishedAt: 30 });
    expect(JSON.parse(last?.error ?? '{}')).toMatchObject({
      code: 'worker.lost',
      details: { signal: 'SIGKILL', step: 'Build' },
    });
    expect((await listAttempts(db, job.id)).map(({ outcome }) => outcome)).toEqual(['lost', 'lost', 'lost']);
    expect((await eventTypes(db)).filter(type => /requeued|finished/.test(type))).toEqual([
      'job.requeued',
      'job.requeued',
      'job.finished',
    ]);
  });

  it('shows its running step as failed and what never ran as skipped', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    await releaseJobOfLostWorker(db, await beginStep(db), evidence, 20);
    expect(await listSteps(db, job.id, 1)).toMatchObject([
      { status: 'failed', finishedAt: 20 },
      { status: 'skipped', finishedAt: null },
    ]);
  });

  it('waits for a person when the lost step must not be repeated', async () => {
    const { db } = await testDatabase();
    await addJob(db, await addRepository(db));
    const left = await releaseJobOfLostWorker(db, await beginStep(db, false), evidence, 20);
    expect(left).toMatchObject({ status: 'interrupted', attempt: 1, finishedAt: 20 });
    expect(JSON.parse(left?.error ?? '{}').message).toContain('during "Build"');
    expect(await claimNextJob(db, await addWorker(db), 30)).toBeNull();
  });

  it('waits for a person also when a step that must not be repeated had ended, and a later one was lost', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const workerId = await beginStep(db, false);
    const token = { jobId: job.id, attempt: 1, workerId };
    await recordStep(db, token, job.repositoryId, 0, { status: 'succeeded' }, { name: 'Build', at: 12 });
    await recordStep(db, token, job.repositoryId, 1, { status: 'running' }, { name: 'Test', at: 13 });
    const left = await releaseJobOfLostWorker(db, workerId, evidence, 20, { engineEnding: true });
    expect(left).toMatchObject({ status: 'interrupted', attempt: 1 });
    const { message } = JSON.parse(left?.error ?? '{}');
    expect(message).toContain('during "Test"');
    expect(message).toContain('"Build" may have changed something outside');
  });

  it('is cancelled when that was asked for', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const workerId = await beginStep(db);
    await cancelJob(db, job.id, 15);
    expect(await releaseJobOfLostWorker(db, workerId, evidence, 20)).toMatchObject({ status: 'cancelled' });
  });

  it('is not counted as lost when the engine ends, however often', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    for (let time = 0; time < 4; time += 1)
      await releaseJobOfLostWorker(db, await beginStep(db), evidence, 20, { engineEnding: true });
    expect(await findJob(db, job.id)).toMatchObject({ status: 'queued', attempt: 4, lostCount: 0 });
  });

  it('is released and told once, with the evidence of the first time, however often it is asked', async () => {
    const { db } = await testDatabase();
    await addJob(db, await addRepository(db));
    const workerId = await beginStep(db);
    await releaseJobOfLostWorker(db, workerId, evidence, 20);
    const before = await eventTypes(db);
    expect(before.filter(type => type === 'worker.lost')).toHaveLength(1);
    const later = { ...evidence, reason: 'its process belongs to an engine that has ended' };
    expect(await releaseJobOfLostWorker(db, workerId, later, 21)).toBeNull();
    expect(await eventTypes(db)).toEqual(before);
    expect((await findWorker(db, workerId))?.exit).toContain('SIGKILL');
  });

  it('is told together with its release, or neither happens', async () => {
    const { db } = await testDatabase();
    const job = await addJob(db, await addRepository(db));
    const workerId = await beginStep(db);
    await sql`CREATE TRIGGER no_space BEFORE INSERT ON events WHEN NEW.type = 'worker.lost'
      BEGIN SELECT RAISE(ABORT, 'no space'); END`.execute(db);
    await expect(releaseJobOfLostWorker(db, workerId, evidence, 20)).rejects.toThrow('no space');
    expect(await findJob(db, job.id)).toMatchObject({ status: 'running', workerId });
    expect((await findWorker(db, workerId))?.stoppedAt).toBeNull();
    await sql`DROP TRIGGER no_space`.execute(db);
    expect(await releaseJobOfLostWorker(db, workerId, evidence, 21)).toMatchObject({ status: 'queued' });
    expect(await eventTypes(db)).toContain('worker.lost');
  });
});

it('finds a worker that claims a job after it was given up, and the job runs again', async () => {
  const { db } = await testDatabase();
  const job = await addJob(db, await addRepository(db));
  const orphan = await addWorker(db, 'orphan');
  await releaseJobOfLostWorker(db, orphan.id, evidence, 10);
  // It stood still when its engine was killed and the next one began, and goes on now.
  expect(await claimNextJob(db, orphan, 20)).toMatchObject({ job: { id: job.id } });
  const rules = { checkupMs: 5_000, stallMs: 60_000, watchingSince: 0 };
  const [lost] = await findLostWorkers(db, new Map(), () => ({ ...rules, now: 30 }));
  expect(lost).toMatchObject({ id: orphan.id });
  await releaseJobOfLostWorker(db, orphan.id, { ...evidence, reason: lost?.reason ?? '' }, 30);
  expect(await findJob(db, job.id)).toMatchObject({ status: 'queued', lostCount: 1 });
  expect(await findLostWorkers(db, new Map(), () => ({ ...rules, now: 40 }))).toEqual([]);
});

it('finds workers without a sign of life, and those of an engine that has ended', async () => {
  const { db } = await testDatabase();
  const [fine, late, foreign, stopped] = [
    await addWorker(db, 'fine'),
    await addWorker(db, 'late'),
    await addWorker(db, 'foreign'),
    await addWorker(db, 'stopped'),
  ];
  const now = 1_000_000;
  await inTransaction(db, async transaction => {
    await updateWorker(transaction, fine.id, { checkupAt: now - 12_000 });
    await updateWorker(transaction, late.id, { checkupAt: now - 12_001 });
    await updateWorker(transaction, foreign.id, { checkupAt: now });
    await updateWorker(transaction, stopped.id, { stoppedAt: now });
  });
  const signs = {
    pulseAt: null,
    movedAt: now,
    work: { kind: 'idle', name: null, limitMs: null },
    workBeganAt: now,
  } as const;
  const members = new Map([fine.id, late.id].map(id => [id, { signs }]));
  const rules = { checkupMs: 5_000, stallMs: 60_000, watchingSince: 0 };
  const lost = await findLostWorkers(db, members, () => ({ ...rules, now }));
  expect(lost.toSorted((a, b) => a.reason.localeCompare(b.reason))).toEqual([
    { id: foreign.id, reason: 'its process belongs to an engine that has ended', silentMs: 0 },
    { id: late.id, reason: 'no checkup for 12 s', silentMs: 12_001 },
  ]);
});
