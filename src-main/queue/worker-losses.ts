/** Owns finding lost workers and what is done about each: the kill, the sweep, the evidence, the job back to its place. */
import { open } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { isolationUsedSchema } from '../contract/isolation.ts';
import { findJobOfWorker } from '../database/jobs.ts';
import { fromJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { findWorker, listGivenUpHolders, listLiveWorkers } from '../database/workers.ts';
import type { Clock } from '../domain/clock.ts';
import { dataFolder } from '../domain/data-folder.ts';
import { type Loss, type SupervisionRules, whyLost } from '../domain/worker-signs.ts';
import { workerAssignment } from '../domain/worker-variable.ts';
import { removeContainersOfJob } from '../process/isolation/containers.ts';
import { sweepTree } from '../process/kill-tree.ts';
import type { ProcessExit } from '../process/launcher.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Member } from './pool-member.ts';
import { releaseJobOfLostWorker } from './supervisor.ts';

/** Above every pid (at most 2^22 on Linux): the sweep goes by the variable alone, since a lost worker's pid may be another's by now. */
const noLeader = 2 ** 30;
/** Of the log of the lost attempt: enough for what it was at. */
const logTailBytes = 2_048;

export interface LossCause {
  readonly reason: string;
  readonly exit: ProcessExit | null;
  readonly silentMs: number | null;
  readonly lastOutput: string;
  /** The engine ends, or the worker was asked to leave: the job is not to blame. */
  readonly inOrder: boolean;
}

export interface WorkerLosses {
  /** Settles a worker that is no more. Its end and a missed checkup are one loss: a second call does nothing. */
  settle(workerId: string, cause: LossCause): Promise<void>;
  /** Ends what is left of a worker and its steps, wherever they are. Writes nothing. May be repeated. */
  endProcesses(workerId: string): Promise<void>;
}

/** The end of a log as plain text, without the line that it begins within; empty where there is none. */
async function tailOf(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const from = Math.max(0, size - logTailBytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(logTailBytes), 0, logTailBytes, from);
      const text = stripVTControlCharacters(buffer.subarray(0, bytesRead).toString('utf8'));
      return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}

export function createWorkerLosses(options: {
  readonly db: Db;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}): WorkerLosses {
  const { db, clock, logger } = options;
  const folder = dataFolder(options.dataFolder);
  const settling = new Set<string>();

  async function logTail(workerId: string): Promise<string> {
    const job = await findJobOfWorker(db, workerId);
    return job ? tailOf(folder.jobLog(job.id, job.attempt)) : '';
  }

  /** What runs in a container is no process of the worker's. */
  async function removeContainers(workerId: string): Promise<void> {
    const job = await findJobOfWorker(db, workerId);
    if (!job) return;
    const level = fromJson(isolationUsedSchema, job.isolation)?.level;
    if (level === 'docker' || level === 'podman') await removeContainersOfJob(level, job.id, logger);
  }

  async function endProcesses(workerId: string): Promise<void> {
    await sweepTree(noLeader, workerAssignment(workerId));
  }

  async function settleOne(id: string, { reason, exit, silentMs, lastOutput, inOrder }: LossCause): Promise<void> {
    const noticedAt = clock();
    // Before the job can run again: what a killed worker left running would meet its own second run.
    await endProcesses(id);
    await removeContainers(id);
    const worker = await findWorker(db, id);
    const evidence = {
      reason,
      exitCode: exit?.exitCode ?? null,
      signal: exit?.signal ?? null,
      silentMs,
      peakMemoryBytes: worker?.peakMemoryBytes ?? null,
      lastOutput,
      logTail: await logTail(id),
    };
    // What the build said stays in the build's own log.
    if (!inOrder) logger.warn('worker.lost', { workerId: id, ...evidence, logTail: undefined });
    await releaseJobOfLostWorker(db, id, evidence, clock(), { engineEnding: inOrder, noticedAt });
  }

  return {
    endProcesses,
    async settle(id, cause) {
      if (settling.has(id)) return;
      settling.add(id);
      try {
        await settleOne(id, cause);
      } finally {
        settling.delete(id);
      }
    },
  };
}

export interface FoundLoss extends Loss {
  readonly id: string;
}

/**
 * Workers that do not show that they live or that they get on, and workers in the table that no process of ours stands for
 * (those of an engine that was killed). A worker that claimed a job when it had been given up already, as one can that stood still, is
 * lost once more. `moment` is asked after the reads: a sign that came during a slow one is no sign from the future.
 */
export async function findLostWorkers(
  db: Db,
  members: ReadonlyMap<string, Pick<Member, 'signs'>>,
  moment: () => SupervisionRules & { readonly now: number },
): Promise<readonly FoundLoss[]> {
  const living = await listLiveWorkers(db);
  const late = await listGivenUpHolders(db);
  const { now, ...rules } = moment();
  const lost = living.flatMap(({ id, checkupAt }) => {
    const member = members.get(id);
    if (!member) {
      return [
        { id, reason: 'its process belongs to an engine that has ended', silentMs: Math.max(0, now - checkupAt) },
      ];
    }
    const loss = whyLost({ ...member.signs, checkupAt }, now, rules);
    return loss ? [{ id, ...loss }] : [];
  });
  return [...lost, ...late.map(id => ({ id, reason: 'it claimed the job when it had been given up', silentMs: 0 }))];
}
