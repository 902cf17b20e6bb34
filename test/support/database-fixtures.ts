/** Owns a real database in a folder of the test, and rows that a test needs but does not speak of. */

import { v7 as uuidv7 } from 'uuid';
import { onTestFinished } from 'vitest';
import type { Migration } from '../../src-main/contract/activation.ts';
import { type BuildWithPack, findBuild, insertBuild, insertPack } from '../../src-main/database/builds.ts';
import { listEvents } from '../../src-main/database/events.ts';
import type { JobRecord } from '../../src-main/database/jobs.ts';
import { type Db, openDatabase } from '../../src-main/database/open-database.ts';
import { insertRepository } from '../../src-main/database/repositories.ts';
import { insertWorker } from '../../src-main/database/workers.ts';
import { enqueueRevision } from '../../src-main/queue/enqueue.ts';
import { hostPlatform } from '../../src-main/releases/platform.ts';
import { type OnEnd, scratchFolder } from './scratch-folder.ts';

export interface TestDatabase {
  readonly db: Db;
  readonly file: string;
  readonly folder: string;
  /** Another connection to the same file, as another process would have. */
  connect(): Db;
}

/** A new database, migrated, closed and removed when the test is over. */
export async function testDatabase(onEnd: OnEnd = onTestFinished): Promise<TestDatabase> {
  const folder = await scratchFolder(onEnd);
  const file = `${folder}/slipway.db`;
  const connect = (migrateSchema: boolean) => {
    const db = openDatabase(file, { migrateSchema });
    onEnd(() => db.destroy());
    return db;
  };
  return { db: connect(true), file, folder, connect: () => connect(false) };
}

export async function addRepository(db: Db, url = `file:///srv/${uuidv7()}.git`): Promise<string> {
  const id = uuidv7();
  await insertRepository(db, {
    id,
    name: 'harbour',
    vcs: 'git',
    url,
    branch: 'main',
    nextPollAt: 0,
    pollFailures: 0,
    addedAt: Date.now(),
  });
  return id;
}

let revisions = 0;
/** 40 hex digits that no other call returned. */
export function newRevision(): string {
  revisions += 1;
  return revisions.toString(16).padStart(40, '0');
}

export async function addJob(db: Db, repositoryId: string, revision = newRevision()): Promise<JobRecord> {
  const job = await enqueueRevision(db, {
    repositoryId,
    revision: { revision, subject: 'Change', authorName: 'Ada', committedAtMs: 1_000 },
    trigger: 'manual',
    seenAtMs: 2_000,
    now: 3_000,
  });
  if (!job) throw new Error('the job was not queued');
  return job;
}

export async function addWorker(db: Db, name = 'worker 1'): Promise<{ readonly id: string; readonly name: string }> {
  const id = uuidv7();
  await insertWorker(db, { id, name, pid: 1, startedAt: 0, checkupAt: 0 });
  return { id, name };
}

/** A build with its job and its pack, as if a worker had made it. */
export async function addBuild(
  db: Db,
  repositoryId: string,
  options: {
    readonly revision?: string;
    readonly digest?: string;
    readonly createdAt?: number;
    readonly sizeBytes?: number;
    readonly artifactId?: string;
    readonly infoHash?: string;
    readonly migrations?: readonly Migration[];
  } = {},
): Promise<BuildWithPack> {
  const job = await addJob(db, repositoryId, options.revision);
  const id = uuidv7();
  const digest = options.digest ?? newRevision().padStart(64, 'd');
  const createdAt = options.createdAt ?? Date.now();
  const artifactId = options.artifactId ?? digest.replaceAll('d', 'a');
  await insertPack(db, {
    digest,
    artifactId,
    kind: 'full',
    sizeBytes: options.sizeBytes ?? 10,
    infoHash: options.infoHash ?? digest.slice(-40),
    storedAt: createdAt,
  });
  await insertBuild(db, {
    id,
    repositoryId,
    jobId: job.id,
    attempt: 1,
    revision: job.revision,
    artifactId,
    packDigest: digest,
    platform: JSON.stringify(hostPlatform()),
    treeSizeBytes: 20,
    fileCount: 1,
    migrations: options.migrations ? JSON.stringify(options.migrations) : null,
    createdAt,
  });
  const build = await findBuild(db, id);
  if (!build) throw new Error('the build was not recorded');
  return build;
}

/** Every event so far, as `type` in order. */
export async function eventTypes(db: Db): Promise<string[]> {
  return (await listEvents(db, { after: 0, limit: 1_000 })).map(event => event.type);
}
