import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { findJob, type JobRecord } from '../../../src-main/database/jobs.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { takeSnapshot } from '../../../src-main/host/views/snapshot.ts';
import { waitingOf } from '../../../src-main/host/views/waiting-view.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { retryJob } from '../../../src-main/queue/enqueue.ts';
import { addBuild, addJob, addRepository, addWorker, testDatabase } from '../../support/database-fixtures.ts';

const now = 1_000_000;

async function start(workers: number) {
  const { db } = await testDatabase();
  const members = await Promise.all(Array.from({ length: workers }, () => addWorker(db)));
  /** A repository whose builds take `tookMs`; without it, one that never built. */
  const repository = async (tookMs?: number) => {
    const id = await addRepository(db);
    if (tookMs === undefined) return id;
    const build = await addBuild(db, id);
    const ran = { status: 'succeeded', startedAt: 5_000, finishedAt: 5_000 + tookMs } as const;
    await db.updateTable('jobs').set(ran).where('id', '=', build.jobId).execute();
    return id;
  };
  const claim = async (index: number, at = now) => {
    const worker = members[index];
    const claimed = worker ? await claimNextJob(db, worker, at) : null;
    if (!claimed) throw new Error('nothing was claimed');
    return claimed;
  };
  /** What is told of a job, newly read. */
  const tell = async ({ id }: Pick<JobRecord, 'id'>, paused = false) => {
    const job = await findJob(db, id);
    if (!job) throw new Error('the job is gone');
    const { position, reason, etaMs } = await waitingOf(
      { db, pool: { paused } },
      await takeSnapshot({ db, clock: () => now }),
      job,
    );
    return [position, reason.kind, reason.job?.number ?? null, etaMs];
  };
  return { db, repository, claim, tell };
}

describe('what is told of a waiting job', () => {
  it('names the blocker, the job in front, and the start that history tells', async () => {
    const { db, repository, claim, tell } = await start(2);
    const [quick, slow] = [await repository(10_000), await repository(60_000)];
    const running = await addJob(db, slow);
    await claim(0, now - 20_000);
    const behindOwn = await addJob(db, slow);
    const free = await addJob(db, quick);
    expect(await tell(behindOwn)).toEqual([1, 'repository_cap', running.number, now + 40_000]);
    expect(await tell(free)).toEqual([2, 'next', null, now]);
    await claim(1);
    const last = await addJob(db, await repository(5_000));
    expect(await tell(last)).toEqual([2, 'workers_busy', behindOwn.number, now + 10_000]);
    expect(await tell(last, true)).toEqual([2, 'paused', null, null]);
  });

  it('knows the cap of a repository, and a job that is tried again later', async () => {
    const { db, repository, claim, tell } = await start(2);
    const id = await repository(10_000);
    const running = await addJob(db, id);
    await claim(0);
    const next = await addJob(db, id);
    expect(await tell(next)).toEqual([1, 'repository_cap', running.number, now + 10_000]);
    await updateRepository(db, id, { concurrency: 2 });
    expect(await tell(next)).toEqual([1, 'next', null, now]);
    await db
      .updateTable('jobs')
      .set({ notBefore: now + 4_000 })
      .where('id', '=', next.id)
      .execute();
    const behind = await addJob(db, id);
    expect(await tell(behind)).toEqual([2, 'behind_own', next.number, now + 10_000]);
    await db
      .updateTable('jobs')
      .set({ notBefore: now + 4_000 })
      .where('id', '=', next.id)
      .execute();
    expect(await tell(next)).toEqual([1, 'not_before', null, now + 4_000]);
    expect(await tell(behind)).toEqual([2, 'not_before', next.number, now + 10_000]);
  });

  it('tells no start where it depends on a build without history', async () => {
    const { db, repository, claim, tell } = await start(1);
    await addJob(db, await repository());
    await claim(0);
    const job = await addJob(db, await repository(1_000));
    expect(await tell(job)).toEqual([1, 'workers_busy', null, null]);
  });

  it('says that no worker runs', async () => {
    const { db, repository, tell } = await start(0);
    expect(await tell(await addJob(db, await repository(1_000)))).toEqual([1, 'no_worker', null, null]);
  });

  it('says which tool the build before lacked, as long as it is missing', async () => {
    const { db, repository, claim, tell } = await start(1);
    const id = await repository(1_000);
    const failFor = async (name: string) => {
      const claimed = await claim(0);
      const missing = [{ name, reason: 'is not installed', install: 'get it' }];
      const error = new DomainError('toolchain.missing', 'A tool is missing.', { missing });
      await finishJob(db, claimed, { status: 'failed', error, now });
    };
    const failed = await addJob(db, id);
    await failFor('no-such-compiler');
    const next = await addJob(db, id);
    expect(await tell(next)).toEqual([1, 'missing_tool', null, now]);
    await retryJob(db, failed.id, now);
    expect(await tell(failed)).toEqual([1, 'missing_tool', null, now]);
    await failFor('git');
    // By now it is there.
    expect(await tell(next)).toEqual([1, 'next', null, now]);
  });

  it('tells the place and a start by rate far behind what is played forward', async () => {
    const { db, repository, tell } = await start(1);
    const id = await repository(1_000);
    let last: JobRecord | null = null;
    for (let count = 0; count < 700; count += 1) last = await addJob(db, id);
    const [position, kind, , etaMs] = await tell(last ?? { id: '' });
    expect([position, kind]).toEqual([700, 'behind_own']);
    // 499 builds before the last that is played, and 200 more at nearly that rate.
    expect(Number(etaMs)).toBeGreaterThan(now + 690_000);
    expect(Number(etaMs)).toBeLessThanOrEqual(now + 699_000);
  });
});
