/** Owns the worker processes: starts them, wakes them, notices when one is lost, replaces it, ends them. Knows nothing of builds. */
import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../contract/errors.ts';
import { isolationUsedSchema } from '../contract/isolation.ts';
import { fromWorkerSchema, type ToWorker, type WorkerSettings } from '../contract/worker-messages.ts';
import { listRunningAttempts } from '../database/attempts.ts';
import { appendEvent } from '../database/events.ts';
import { fromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { readSetting, writeSetting } from '../database/settings.ts';
import { insertWorker } from '../database/workers.ts';
import { backoffMs, restartBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import { workerAssignment } from '../domain/worker-variable.ts';
import { removeContainersOfJob } from '../process/isolation/containers.ts';
import { sweepTree } from '../process/kill-tree.ts';
import type { LaunchedProcess, Launcher, ProcessExit } from '../process/launcher.ts';
import type { Logger } from '../telemetry/logger.ts';
import { findLostWorkers, type LossEvidence, releaseJobOfLostWorker } from './supervisor.ts';

/** How often the supervisor looks for lost workers: well within the deadline of 15 s for a job to run again. */
const superviseEveryMs = 1_000;
/** The supervisor did not look for this long: the machine slept, and its workers with it, or its clock was set. */
const sleptAfterMs = 5_000;
/** How long workers may take to end their step at stop: longer than the grace of a step, or the step would outlive them. */
const stopGraceMs = 12_000;
/** Above every pid (at most 2^22 on Linux): the sweep goes by the variable alone, since a lost worker's pid may be another's by now. */
const noLeader = 2 ** 30;
/** A worker that lived this long did not crash at start; its replacement comes at once. */
const settledAfterMs = 30_000;

export interface WorkerPoolOptions {
  readonly db: Db;
  readonly launcher: Launcher;
  readonly size: number;
  readonly settings: Omit<WorkerSettings, 'workerId' | 'workerName'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChanged: () => void;
  readonly onLog: (jobId: string) => void;
}

interface Member {
  readonly id: string;
  readonly slot: number;
  readonly process: LaunchedProcess;
  readonly startedAt: number;
}

export interface WorkerPool {
  start(): Promise<void>;
  stop(): Promise<void>;
  wake(): void;
  cancel(jobId: string): void;
  setPaused(paused: boolean): Promise<void>;
  readonly paused: boolean;
  readonly size: number;
  /** The last reason why a worker could not be kept running, or null. */
  readonly problem: DomainError | null;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { db, clock, logger } = options;
  const members = new Map<string, Member>();
  const restarts = new Map<number, NodeJS.Timeout>();
  const crashes = new Map<number, number>();
  let supervision: NodeJS.Timeout | null = null;
  let supervising: Promise<void> = Promise.resolve();
  let lookedAt = 0;
  let watchingSince = 0;
  let stopping = false;
  let stopped: Promise<void> | null = null;
  let paused = false;
  let problem: DomainError | null = null;
  const ended = new Set<Promise<void>>();
  /** Why a worker was killed by the supervisor, until its process has ended. */
  const killedFor = new Map<string, string>();
  /** Lost workers whose jobs are being returned: its end and a missed checkup are one loss. */
  const losing = new Set<string>();

  const tell = (message: ToWorker) => {
    for (const member of members.values()) member.process.send(message);
  };

  async function launch(slot: number): Promise<void> {
    if (stopping) return;
    const id = uuidv7();
    const name = `worker ${slot + 1}`;
    const child = options.launcher.launch('worker', {});
    const now = clock();
    const member: Member = { id, slot, process: child, startedAt: now };
    members.set(id, member);
    child.onExit(exit => {
      const settled: Promise<void> = settle(member, exit)
        .catch(error => logger.error('worker.not_settled', { workerId: id, error }))
        .finally(() => ended.delete(settled));
      ended.add(settled);
    });
    child.onMessage(raw => {
      const message = fromWorkerSchema.safeParse(raw);
      if (!message.success) return;
      switch (message.data.type) {
        case 'ready':
          child.send({ type: 'pause', paused } satisfies ToWorker);
          return;
        case 'changed':
          options.onChanged();
          return;
        case 'log':
          options.onLog(message.data.jobId);
      }
    });
    try {
      await insertWorker(db, { id, name, pid: child.pid ?? 0, startedAt: now, checkupAt: now });
      await appendEvent(db, { type: 'worker.started', at: now, subjectId: id, data: { name, pid: child.pid ?? null } });
    } catch (error) {
      // Its end starts the next try.
      child.kill('SIGKILL');
      throw error;
    }
    child.send({ type: 'start', settings: { ...options.settings, workerId: id, workerName: name } } satisfies ToWorker);
    options.onChanged();
  }

  async function settle(member: Member, exit: ProcessExit): Promise<void> {
    members.delete(member.id);
    const how = exit.signal ? `was killed by ${exit.signal}` : `ended with exit code ${exit.exitCode}`;
    const reason = stopping ? 'its engine ended' : (killedFor.get(member.id) ?? `its process ${how}`);
    killedFor.delete(member.id);
    await lose(member.id, { reason, ...exit, lastOutput: member.process.lastOutput() })
      // Found again by the supervisor, since the worker still stands in the table.
      .catch(error => logger.error('worker.loss_unrecorded', { workerId: member.id, error }));
    if (stopping) return;
    const lived = clock() - member.startedAt;
    const failures = lived > settledAfterMs ? 1 : (crashes.get(member.slot) ?? 0) + 1;
    crashes.set(member.slot, failures);
    const delay = failures === 1 ? 0 : backoffMs(restartBackoff, failures - 1, Math.random());
    if (failures > 2) {
      problem = new DomainError(
        'worker.lost',
        `Worker ${member.slot + 1} ended ${failures} times right after its start; the next try is in ${Math.round(delay / 1_000)} s. Its last output is in the engine's log.`,
      );
    }
    restarts.set(
      member.slot,
      setTimeout(() => {
        launch(member.slot).catch(error => logger.error('worker.launch_failed', { error }));
      }, delay),
    );
  }

  async function lose(id: string, evidence: LossEvidence): Promise<void> {
    if (losing.has(id)) return;
    losing.add(id);
    const noticedAtMs = clock();
    try {
      if (!stopping) logger.warn('worker.lost', { workerId: id, ...evidence });
      // Before the job can run again: what a killed worker's step left running would meet its own second run.
      await sweepTree(noLeader, workerAssignment(id));
      await removeLostContainers(id);
      const now = clock();
      const job = await releaseJobOfLostWorker(db, id, evidence, now, stopping);
      const data = { reason: evidence.reason, job: job?.number ?? null, noticedAtMs };
      await appendEvent(db, { type: stopping ? 'worker.changed' : 'worker.lost', at: now, subjectId: id, data });
    } finally {
      losing.delete(id);
    }
    options.onChanged();
    tell({ type: 'wake' });
  }

  /** What runs in a container is no process of the worker's. */
  async function removeLostContainers(workerId: string): Promise<void> {
    for (const { jobId, isolation } of await listRunningAttempts(db, workerId)) {
      const level = fromJson(isolationUsedSchema, isolation)?.level;
      if (level === 'docker' || level === 'podman') await removeContainersOfJob(level, jobId, logger);
    }
  }

  async function supervise(): Promise<void> {
    const now = clock();
    if (Math.abs(now - lookedAt) > sleptAfterMs) watchingSince = now;
    lookedAt = now;
    for (const lost of await findLostWorkers(db, new Set(members.keys()), now, watchingSince)) {
      // Killed first: a stopped process that is continued later must find nothing to go on with.
      const member = members.get(lost.id);
      if (member) {
        killedFor.set(lost.id, lost.reason);
        member.process.kill('SIGKILL');
      } else {
        await lose(lost.id, { reason: lost.reason, exitCode: null, signal: null, lastOutput: '' });
      }
    }
    if (problem && [...members.values()].some(member => clock() - member.startedAt > settledAfterMs)) problem = null;
  }

  async function stopAll(): Promise<void> {
    stopping = true;
    if (supervision) clearInterval(supervision);
    for (const restart of restarts.values()) clearTimeout(restart);
    await supervising;
    for (const member of members.values()) member.process.kill('SIGTERM');
    const kill = setTimeout(() => {
      for (const member of members.values()) member.process.kill('SIGKILL');
    }, stopGraceMs);
    while (members.size > 0 || ended.size > 0) {
      await Promise.race([...ended, new Promise(resolve => setTimeout(resolve, 20))]);
    }
    clearTimeout(kill);
  }

  return {
    get paused() {
      return paused;
    },
    get problem() {
      return problem;
    },
    size: options.size,
    async start() {
      stopping = false;
      stopped = null;
      paused = (await readSetting(db, 'workers.paused')) === 'true';
      await supervise();
      await Promise.all(Array.from({ length: options.size }, (_, slot) => launch(slot)));
      supervision = setInterval(() => {
        supervising = supervising.then(supervise).catch(error => logger.error('supervisor.failed', { error }));
      }, superviseEveryMs);
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
    wake: () => tell({ type: 'wake' }),
    cancel: jobId => tell({ type: 'cancel', jobId }),
    async setPaused(value) {
      paused = value;
      await writeSetting(db, 'workers.paused', String(value));
      await appendEvent(db, { type: 'worker.changed', at: clock(), data: { paused: value } });
      tell({ type: 'pause', paused: value });
      options.onChanged();
    },
  };
}
