/** Owns random sequences of operations, carried out on a real queue and on the model, which must agree after each. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { DomainError } from '../../src-main/contract/errors.ts';
import type { Db } from '../../src-main/database/open-database.ts';
import { updateRepository } from '../../src-main/database/repositories.ts';
import { backoffMs } from '../../src-main/domain/backoff.ts';
import { retryRule } from '../../src-main/domain/job-retry.ts';
import { type ClaimedJob, claimNextJob, finishAndClaimNext, finishJob } from '../../src-main/queue/attempt.ts';
import { cancelJob, enqueueRevision, placeInQueue, retryJob } from '../../src-main/queue/enqueue.ts';
import { releaseJobOfLostWorker } from '../../src-main/queue/supervisor.ts';
import { addRepository, addWorker, newRevision } from './database-fixtures.ts';
import { type ModelJob, type ModelRepository, QueueModel } from './queue-model.ts';

const index = fc.nat(50);
const actionArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('poll' as const), repository: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('build' as const), repository: index, priority: fc.boolean() }),
  },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('claim' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      job: index,
      as: fc.constantFrom('succeeded' as const, 'failed' as const, 'unreachable' as const, 'cancelled' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('finish-and-claim' as const),
      job: index,
      as: fc.constantFrom('succeeded' as const, 'failed' as const, 'unreachable' as const, 'cancelled' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), job: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), job: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), job: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), job: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      repository: index,
      concurrency: fc.integer({ min: 1, max: 3 }),
      supersede: fc.boolean(),
      retryLimit: fc.nat(2),
    }),
  },
);
type Action = typeof actionArbitrary extends fc.Arbitrary<infer Each> ? Each : never;

interface World {
  readonly db: Db;
  readonly model: QueueModel;
  readonly repositories: readonly ModelRepository[];
  /** The last claim of each job, kept also when it is over: a stale token. */
  readonly claims: Map<string, ClaimedJob>;
  now: number;
}

const pick = <Item>(items: readonly Item[], at: number): Item | undefined => items[at % Math.max(1, items.length)];

async function enqueue(world: World, at: number, trigger: 'poll' | 'manual', priority: boolean): Promise<void> {
  const repository = pick(world.repositories, at);
  if (!repository) return;
  const revision = newRevision();
  const job = await enqueueRevision(world.db, {
    ...{ repositoryId: repository.id, trigger, priority, seenAtMs: world.now, now: world.now },
    revision: { revision, subject: 'Change', authorName: 'Ada', committedAtMs: 1 },
  });
  if (!job) throw new Error('a new revision was not queued');
  world.model.add({ number: job.number, id: job.id, repository, trigger, revision, priority }, world.now);
}

async function claim(world: World): Promise<void> {
  const { db, now } = world;
  const worker = await addWorker(db);
  learnClaim(world, worker.id, await claimNextJob(db, worker, now));
}

/** What was claimed must be what the model gives next. */
function learnClaim({ model, now, claims }: World, workerId: string, claimed: ClaimedJob | null): void {
  const expected = model.next(now);
  expect(claimed?.job.number ?? null).toBe(expected?.number ?? null);
  if (!claimed || !expected) return;
  model.claim(expected, workerId);
  claims.set(expected.id, claimed);
}

type EndedAs = (Action & { kind: 'finish' })['as'];

async function finish(world: World, job: ModelJob, as: EndedAs, claimsNext = false): Promise<void> {
  const claimed = world.claims.get(job.id);
  if (!claimed) throw new Error('a running job was never claimed');
  const mayPass = as === 'unreachable';
  const error = as === 'succeeded' ? null : new DomainError(mayPass ? 'git.unreachable' : 'step.failed', 'It failed.');
  const status = mayPass ? 'failed' : as;
  const result = { status, error, now: world.now };
  // Any worker may be named; a free one, so that the model's jobs have one each.
  const worker = claimsNext ? await addWorker(world.db) : null;
  const ended = worker
    ? await finishAndClaimNext(world.db, claimed, result, worker)
    : { became: await finishJob(world.db, claimed, result), next: null };
  if (status === 'failed') world.model.fail(job, mayPass);
  else world.model.end(job, status);
  expect(ended.became).toBe(job.status);
  if (ended.became === 'queued') await learnNotBefore(world, job);
  if (worker) learnClaim(world, worker.id, ended.next);
}

async function learnNotBefore(world: World, job: ModelJob): Promise<void> {
  // The very time is drawn by lot, within bounds.
  const row = await world.db.selectFrom('jobs').select('notBefore').where('id', '=', job.id).executeTakeFirstOrThrow();
  const rule = retryRule('git.unreachable');
  expect(row.notBefore).toBeGreaterThanOrEqual(world.now + backoffMs(rule, job.retries, 0));
  expect(row.notBefore).toBeLessThanOrEqual(world.now + backoffMs(rule, job.retries, 1));
  job.notBefore = row.notBefore;
}

async function agrees(promise: Promise<unknown>, isAllowed: boolean): Promise<void> {
  if (isAllowed) await promise;
  else await expect(promise).rejects.toMatchObject({ code: 'conflict' });
}

async function perform(world: World, action: Action): Promise<void> {
  const { db, model, now } = world;
  const running = model.jobs.filter(job => job.status === 'running');
  const job = 'job' in action ? pick(model.jobs, action.job) : undefined;
  switch (action.kind) {
    case 'poll':
      return enqueue(world, action.repository, 'poll', false);
    case 'build':
      return enqueue(world, action.repository, 'manual', action.priority);
    case 'claim':
      return claim(world);
    case 'finish':
    case 'finish-and-claim': {
      const ending = pick(running, action.job);
      if (ending) await finish(world, ending, action.as, action.kind === 'finish-and-claim');
      return;
    }
    case 'lose': {
      const lost = pick(running, action.job);
      if (!lost?.worker) return;
      const evidence = {
        reason: 'it was killed',
        exitCode: null,
        signal: 'SIGKILL',
        silentMs: null,
        peakMemoryBytes: null,
        lastOutput: '',
        logTail: '',
      };
      await releaseJobOfLostWorker(db, lost.worker, evidence, now);
      model.lose(lost);
      return;
    }
    case 'stale': {
      const stale = job && world.claims.get(job.id);
      if (!stale || job.status === 'running') return;
      const late = finishJob(db, stale, { status: 'succeeded', error: null, now });
      await expect(late).rejects.toMatchObject({ code: 'job.fenced' });
      const worker = await addWorker(db);
      const both = finishAndClaimNext(db, stale, { status: 'failed', error: null, now }, worker);
      await expect(both).rejects.toMatchObject({ code: 'job.fenced' });
      return;
    }
    case 'cancel':
      if (job) await agrees(cancelJob(db, job.id, now), model.cancel(job));
      return;
    case 'retry': {
      // Those that wait for their time are few, and what a person most likely means.
      const wanted = pick(
        model.jobs.filter(waiting => waiting.notBefore > now),
        action.job,
      );
      const retried = action.job % 2 === 0 ? (wanted ?? job) : job;
      if (retried) await agrees(retryJob(db, retried.id, now), model.retry(retried, now));
      return;
    }
    case 'wait':
      world.now += action.ms;
      return;
    case 'set': {
      const repository = pick(world.repositories, action.repository);
      if (!repository) return;
      const { concurrency, supersede, retryLimit } = action;
      await updateRepository(db, repository.id, { concurrency, supersede: supersede ? 1 : 0, retryLimit });
      Object.assign(repository, { concurrency, supersede, retryLimit });
    }
  }
}

async function compare({ db, model }: World): Promise<void> {
  const rows = await db.selectFrom('jobs').selectAll().orderBy('number').execute();
  const shown = rows.map(row => [row.number, row.status, row.attempt, row.notBefore, row.automaticRetries]);
  const expected = model.jobs.map(job => [job.number, job.status, job.attempt, job.notBefore, job.retries]);
  expect(shown).toEqual(expected);
  const order = model.order();
  const last = order.at(-1);
  if (last) expect(await placeInQueue(db, last.id)).toEqual({ place: order.length, isExact: true });
  const middle = order[Math.floor(order.length / 2)];
  if (middle) expect((await placeInQueue(db, middle.id))?.place).toBe(order.indexOf(middle) + 1);
}

async function startAnew(db: Db): Promise<World> {
  for (const table of ['earlierAttempts', 'jobs', 'events', 'workers'] as const) await db.deleteFrom(table).execute();
  const repositories: ModelRepository[] = [];
  for (let count = 0; count < 3; count += 1) {
    repositories.push({ id: await addRepository(db), concurrency: 1, supersede: false, retryLimit: 3 });
  }
  return { db, model: new QueueModel(), repositories, claims: new Map(), now: 1_000_000 };
}

/** Runs sequences until one shows a difference; `check` is called after every operation. */
export async function agreeWithModel(db: Db, check: () => Promise<void>, numRuns: number): Promise<void> {
  const sequences = fc.array(actionArbitrary, { minLength: 10, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(sequences, async actions => {
      const world = await startAnew(db);
      for (const action of actions) {
        await perform(world, action);
        await compare(world);
        await check();
      }
    }),
    { numRuns },
  );
}
