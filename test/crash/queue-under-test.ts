/** Owns every call of these tests to the queue: what a poller, a worker and a pool of the product call, and nothing else of it. */
import { v7 as uuidv7 } from 'uuid';
import { insertBuild, insertPack } from '../../src-main/database/builds.ts';
import { appendEvent } from '../../src-main/database/events.ts';
import { type Db, openDatabase, openDatabaseInThread } from '../../src-main/database/open-database.ts';
import { insertRepository } from '../../src-main/database/repositories.ts';
import { insertWorker } from '../../src-main/database/workers.ts';
import { systemClock } from '../../src-main/domain/clock.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import {
  addSteps,
  type ClaimedJob,
  claimNextJob,
  endAttempt,
  type NewStep,
  recordStep,
} from '../../src-main/queue/attempt.ts';
import { enqueueRevision } from '../../src-main/queue/enqueue.ts';
import { createWorkerPool, type WorkerPool } from '../../src-main/queue/worker-pool.ts';
import { hostPlatform } from '../../src-main/releases/platform.ts';
import type { Logger } from '../../src-main/telemetry/logger.ts';

export type { ClaimedJob, Db };
export { addSteps, claimNextJob, endAttempt, openDatabase, openDatabaseInThread, recordStep };

/** The pool of an engine, with `program` in the place of the worker's own. */
export function createPool(options: {
  readonly db: Db;
  readonly databaseFile: string;
  readonly folder: string;
  readonly masterKey: Buffer;
  readonly size: number;
  readonly program: string;
  readonly logger: Logger;
}): WorkerPool {
  return createWorkerPool({
    db: options.db,
    launcher: createNodeLauncher({ pathOf: () => options.program }),
    size: options.size,
    power: { onBattery: () => Promise.resolve(null) },
    settings: {
      databaseFile: options.databaseFile,
      dataFolder: options.folder,
      mainStoreUrl: options.folder,
      masterKey: options.masterKey.toString('base64'),
    },
    // No job of these histories has a record.
    acceptance: { accept: () => Promise.resolve() },
    clock: systemClock,
    logger: options.logger,
    onChanged: () => undefined,
    onLog: () => undefined,
  });
}

/** The one step of a job of these tests. */
export const oneStep: NewStep = {
  position: 0,
  name: 'Build',
  phase: 'build',
  command: 'build',
  idempotent: true,
  evidence: [],
};

/** A repository that nobody polls. */
export async function addRepository(db: Db, id: string): Promise<void> {
  await insertRepository(db, {
    id,
    name: id,
    vcs: 'git',
    url: `file:///nowhere/${id}.git`,
    branch: 'main',
    nextPollAt: 0,
    pollFailures: 0,
    addedAt: Date.now(),
  });
}

/** A row for a worker without a process. */
export async function addWorkerRow(db: Db): Promise<{ readonly id: string; readonly name: string }> {
  const worker = { id: uuidv7(), name: 'worker 1' };
  await insertWorker(db, { ...worker, pid: 1, startedAt: Date.now(), checkupAt: Date.now() });
  return worker;
}

/** A revision as 40 hex digits; growing with `place`. */
export const revisionAt = (place: number) => place.toString(16).padStart(40, '0');

/** Queues the revision as a poll does. False when it was queued before. */
export async function enqueue(db: Db, repositoryId: string, place: number): Promise<boolean> {
  const job = await enqueueRevision(db, {
    repositoryId,
    revision: { revision: revisionAt(place), subject: `Change ${place}`, authorName: 'Ada', committedAtMs: 1_000 },
    trigger: 'poll',
    seenAtMs: Date.now(),
    now: Date.now(),
  });
  return job !== null;
}

/** What records a build of the job in the transaction that ends it, as the worker's publishing does. */
export function publishBuild({ job, token }: ClaimedJob, now: number): (transaction: Db) => Promise<void> {
  const buildId = uuidv7();
  const digest = job.id.replaceAll('-', '').padStart(64, '0');
  return async transaction => {
    await insertPack(transaction, {
      digest,
      artifactId: digest,
      kind: 'full',
      sizeBytes: 1,
      infoHash: digest.slice(-40),
      storedAt: now,
    });
    await insertBuild(transaction, {
      id: buildId,
      repositoryId: job.repositoryId,
      jobId: job.id,
      attempt: token.attempt,
      revision: job.revision,
      artifactId: digest,
      packDigest: digest,
      platform: JSON.stringify(hostPlatform()),
      treeSizeBytes: 1,
      fileCount: 1,
      createdAt: now,
    });
    await appendEvent(transaction, {
      type: 'build.stored',
      at: now,
      repositoryId: job.repositoryId,
      jobId: job.id,
      subjectId: buildId,
      data: {},
    });
  };
}
