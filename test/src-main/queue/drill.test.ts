import { describe, expect, it, onTestFinished } from 'vitest';
import { drillRepositoryId } from '../../../src-main/contract/drill.ts';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findJob, listJobs } from '../../../src-main/database/jobs.ts';
import { listLiveWorkers } from '../../../src-main/database/workers.ts';
import { overview } from '../../../src-main/host/views/repository-views.ts';
import { cancelJob } from '../../../src-main/queue/enqueue.ts';
import { addRepository, newRevision } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';

const start = async (workers: number) => {
  const { engine } = await startTestHost(onTestFinished, { workers });
  await eventually(async () => (await listLiveWorkers(engine.db)).length === workers, { what: 'the workers' });
  return engine;
};

describe('the crash drill', () => {
  it('kills the worker of its own job, and tells how long it took until the job had run again', async () => {
    const engine = await start(1);
    const [before] = await listLiveWorkers(engine.db);
    const result = await engine.drill.run();

    expect(result).toMatchObject({ workerName: 'worker 1', pid: before?.pid, holds: true, limitMs: 15_000 });
    const times = [result.noticedAfterMs, result.requeuedAfterMs, result.restartedAfterMs, result.succeededAfterMs];
    expect(times).toEqual([...times].sort((a, b) => (a ?? -1) - (b ?? -1)));
    expect(times).not.toContain(null);
    const attempts = await listAttempts(engine.db, result.jobId);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
    expect((await listLiveWorkers(engine.db)).map(({ pid }) => pid)).not.toContain(result.pid);

    const events = await listEvents(engine.db, { after: 0, limit: 100 });
    expect(events.filter(({ jobId }) => jobId === result.jobId).map(({ type }) => type)).toEqual([
      'revision.seen',
      'job.queued',
      'drill.started',
      'job.started',
      'job.step_started',
      'drill.killed',
      'job.requeued',
      'worker.lost',
      'job.started',
      'job.step_started',
      'job.step_finished',
      'job.finished',
      'drill.finished',
    ]);
    expect(events.at(-1)?.data).toMatchObject({ restartedAfterMs: result.restartedAfterMs, holds: true });
    expect(events.map(({ type }) => type)).not.toContain('build.stored');
    expect((await overview(engine)).repositories).toEqual([]);
    await expect(engine.repositories.remove(drillRepositoryId)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('refuses while there is no worker to spare, and kills none', async () => {
    const engine = await start(0);
    await expect(engine.drill.run()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('No worker'),
    });
    await engine.pool.setMode('paused');
    await expect(engine.drill.run()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('paused'),
    });
    expect(await listJobs(engine.db, { limit: 10 })).toEqual([]);
  });

  it('refuses while every worker builds, and kills none', async () => {
    const engine = await start(1);
    const [worker] = await listLiveWorkers(engine.db);
    await engine.db
      .insertInto('jobs')
      .values({
        ...{
          id: 'of a build',
          repositoryId: await addRepository(engine.db),
          revision: newRevision(),
          subject: 'Change',
        },
        ...{
          authorName: 'Ada',
          seenAt: 1,
          trigger: 'manual',
          status: 'running',
          queuedAt: 1,
          attempt: 1,
          lostCount: 0,
        },
        ...{ workerId: worker?.id ?? '', startedAt: 1 },
      })
      .execute();
    await expect(engine.drill.run()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Every worker builds'),
    });
    expect((await listLiveWorkers(engine.db)).map(({ pid }) => pid)).toEqual([worker?.pid]);
  });

  it('kills nothing when its job is cancelled, and gives way to one drill at a time', async () => {
    const engine = await start(1);
    const [worker] = await listLiveWorkers(engine.db);
    // The only worker takes no job, though it is not known to be paused: the job of the drill stays in the queue.
    process.kill(worker?.pid ?? 0, 'SIGSTOP');
    const drill = engine.drill.run();
    const refused = expect(drill).rejects.toMatchObject({ code: 'conflict' });
    await expect(engine.drill.run()).rejects.toMatchObject({ message: 'A crash drill runs already.' });
    const [job] = await eventually(async () => {
      const jobs = await listJobs(engine.db, { limit: 1 });
      return jobs.length > 0 ? jobs : null;
    });
    await cancelJob(engine.db, job?.id ?? '', engine.clock());
    engine.feed.nudge();
    await refused;
    process.kill(worker?.pid ?? 0, 'SIGCONT');
    expect((await listLiveWorkers(engine.db)).map(({ pid }) => pid)).toEqual([worker?.pid]);
    expect(await findJob(engine.db, job?.id ?? '')).toMatchObject({ status: 'cancelled', attempt: 0 });
  });

  it('is given up when the engine ends', async () => {
    const engine = await start(1);
    const refused = expect(engine.drill.run()).rejects.toMatchObject({ code: 'conflict' });
    engine.drill.stop();
    await refused;
  });
});
