/** Owns the crash drill: a harmless job, the kill of the one worker that runs it, and the recovery as the events tell it. */
import { type DrillResult, drillRepositoryId, recoveryLimitMs } from '../contract/drill.ts';
import { DomainError } from '../contract/errors.ts';
import type { EngineEvent } from '../contract/events.ts';
import { settingsOf } from '../contract/settings.ts';
import type { EventFeed } from '../database/event-feed.ts';
import { appendEvent } from '../database/events.ts';
import { findJob, type JobRecord, listQueuedJobs, listRunningJobs } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import { ensureDrillRepository } from '../database/repositories.ts';
import { readAllSettings } from '../database/settings.ts';
import { listLiveWorkers, type WorkerRecord } from '../database/workers.ts';
import type { Clock } from '../domain/clock.ts';
import { cancelJob, enqueueRevision } from './enqueue.ts';

/** A free worker takes a job within a second; jobs that came at the same time may be before it. */
const takenWithinMs = 30_000;
/** Four times what is promised: a recovery that is late is still measured. */
const recoveredWithinMs = 60_000;

export interface Drill {
  /**
   * Kills a worker, and waits until its job has run again. Throws `conflict` where it cannot be run now: paused, no free worker,
   * a drill that runs already, or an engine that ends.
   */
  run(): Promise<DrillResult>;
  /** A drill that runs is given up. */
  stop(): void;
}

/** The events of one drill, and who waits for the next. */
interface Watch {
  readonly events: EngineEvent[];
  wake: () => void;
}

export function createDrill(options: {
  readonly db: Db;
  readonly feed: Pick<EventFeed, 'onEvent' | 'nudge'>;
  readonly isPaused: () => boolean;
  readonly clock: Clock;
  readonly onQueued: () => void;
}): Drill {
  const { db, feed, clock } = options;
  let watch: Watch | null = null;
  let isStopped = false;

  feed.onEvent(event => {
    watch?.events.push(event);
    watch?.wake();
  });

  /** The first event of the drill that fits, also one that has come already; null when none came in time. */
  async function event(fits: (event: EngineEvent) => boolean, timeoutMs: number): Promise<EngineEvent | null> {
    const deadline = performance.now() + timeoutMs;
    while (watch !== null) {
      if (isStopped) throw new DomainError('conflict', 'The engine ends; the drill was given up.');
      const found = watch.events.find(fits);
      const leftMs = deadline - performance.now();
      if (found || leftMs <= 0) return found ?? null;
      const { promise, resolve } = Promise.withResolvers<void>();
      watch.wake = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
    return null;
  }

  async function mayRun(): Promise<void> {
    if (options.isPaused()) {
      throw new DomainError('conflict', 'Builds are paused. Resume the workers, then run the drill.');
    }
    const workers = await listLiveWorkers(db);
    if (workers.length === 0) throw new DomainError('conflict', 'No worker runs, so there is none to kill.');
    const busy = new Set((await listRunningJobs(db)).map(job => job.workerId));
    if (workers.every(worker => busy.has(worker.id))) {
      throw new DomainError(
        'conflict',
        'Every worker builds. The drill kills a worker of its own job alone; run it when one is free.',
      );
    }
  }

  async function queueJob(): Promise<JobRecord> {
    const now = clock();
    await ensureDrillRepository(db, now);
    // Of a drill that an earlier engine did not finish.
    for (const left of await listQueuedJobs(db, drillRepositoryId)) await cancelJob(db, left.id, now);
    const job = await enqueueRevision(db, {
      repositoryId: drillRepositoryId,
      revision: { revision: '0'.repeat(40), subject: 'Crash drill', authorName: 'Slipway', committedAtMs: null },
      trigger: 'manual',
      seenAtMs: now,
      now,
    });
    if (!job) throw new DomainError('internal', 'The job of the drill was not queued.');
    await appendEvent(db, { type: 'drill.started', at: now, jobId: job.id });
    options.onQueued();
    return job;
  }

  /** The worker that runs the first attempt of the job, and nothing else. */
  async function workerOf({ id, number }: JobRecord): Promise<WorkerRecord> {
    const isTaken = ({ jobId, type }: EngineEvent) =>
      jobId === id && (type === 'job.step_started' || type === 'job.finished');
    const taken = await event(isTaken, takenWithinMs);
    const job = await findJob(db, id);
    const worker = (await listLiveWorkers(db)).find(candidate => candidate.id === job?.workerId);
    if (taken && job?.status === 'running' && job.attempt === 1 && worker) return worker;
    throw new DomainError(
      'conflict',
      `No worker was free for job ${number} of the drill within ${takenWithinMs / 1_000} s, or it was ended by someone. Nothing was killed; try again.`,
    );
  }

  async function kill(job: JobRecord, { id, pid, name }: WorkerRecord): Promise<number> {
    await appendEvent(db, {
      type: 'drill.killed',
      at: clock(),
      jobId: job.id,
      subjectId: id,
      data: { worker: name, pid },
    });
    const killedAt = clock();
    process.kill(pid, 'SIGKILL');
    return killedAt;
  }

  async function measure(job: JobRecord, worker: WorkerRecord): Promise<DrillResult> {
    const killedAtMs = await kill(job, worker);
    const deadline = performance.now() + recoveredWithinMs;
    const next = async (fits: (event: EngineEvent) => boolean) => event(fits, deadline - performance.now());
    const ofJob = (type: EngineEvent['type']) => (candidate: EngineEvent) =>
      candidate.jobId === job.id && candidate.type === type;
    const lost = await next(({ type, subjectId }) => type === 'worker.lost' && subjectId === worker.id);
    const requeued = await next(ofJob('job.requeued'));
    const restarted = await next(found => ofJob('job.started')(found) && found.data.attempt === 2);
    const finished = await next(ofJob('job.finished'));
    const after = (atMs: number | undefined) => (atMs === undefined ? null : Math.max(0, atMs - killedAtMs));
    const noticedAt = lost?.data.noticedAtMs;
    const recoveredMs = restarted ? Math.max(0, restarted.atMs - worker.checkupAt) : null;
    const hasSucceeded = finished?.data.status === 'succeeded';
    const limitMs = recoveryLimitMs(settingsOf(await readAllSettings(db))['workers.checkupMs']);
    return {
      jobId: job.id,
      jobNumber: job.number,
      workerName: worker.name,
      pid: worker.pid,
      lastCheckupAtMs: worker.checkupAt,
      killedAtMs,
      noticedAfterMs: after(typeof noticedAt === 'number' ? noticedAt : lost?.atMs),
      requeuedAfterMs: after(requeued?.atMs),
      restartedAfterMs: after(restarted?.atMs),
      succeededAfterMs: hasSucceeded ? after(finished?.atMs) : null,
      recoveredMs,
      limitMs,
      holds: recoveredMs !== null && recoveredMs <= limitMs && hasSucceeded,
    };
  }

  async function end(job: JobRecord): Promise<void> {
    const { status } = (await findJob(db, job.id)) ?? { status: 'succeeded' };
    if (status === 'queued' || status === 'running') await cancelJob(db, job.id, clock());
  }

  return {
    async run() {
      if (watch) throw new DomainError('conflict', 'A crash drill runs already.');
      watch = { events: [], wake: () => undefined };
      try {
        await mayRun();
        const job = await queueJob();
        try {
          const result = await measure(job, await workerOf(job));
          await appendEvent(db, { type: 'drill.finished', at: clock(), jobId: job.id, data: result });
          return result;
        } finally {
          // An engine that ends returns the job to the queue by itself.
          if (!isStopped) await end(job);
          feed.nudge();
        }
      } finally {
        watch = null;
      }
    },
    stop() {
      isStopped = true;
      watch?.wake();
    },
  };
}
