/** Owns the three queues that are compared: Slipway's as its workers use it, plainjob, and the bare statement that none can beat. */
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { better, defineQueue } from 'plainjob';
import { v7 as uuidv7 } from 'uuid';
import type { WorkerIdentity } from '../../../src-main/database/job-queue.ts';
import { type Db, openDatabase } from '../../../src-main/database/open-database.ts';
import { insertWorker } from '../../../src-main/database/workers.ts';
import { type ClaimedJob, claimNextJob, finishAndClaimNext, finishJob } from '../../../src-main/queue/attempt.ts';
import { enqueueRevision } from '../../../src-main/queue/enqueue.ts';

export type Durability = 'FULL' | 'NORMAL';

/** A queue with jobs in it. Each job is put in, and claimed and completed, in transactions of its own: nothing is done for several. */
export interface Side {
  setDurability(durability: Durability): Promise<void>;
  enqueue(count: number): Promise<void>;
  /** As its workers do while there is always a next job. Fails when there is nothing to claim. */
  complete(count: number): Promise<void>;
  /** A claim, then the end of the same job, in a transaction each. Where the workers do not do so anyway. */
  completeApart?(count: number): Promise<void>;
  close(): Promise<void>;
}

const repositoryCount = 200;
const workerCount = 8;
const noWorker: WorkerIdentity = { id: '', name: '' };
const numbers = (count: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

/** The file as it is after years: finished jobs with their attempts and events, then those that wait. */
function fillOurs(file: string, repositoryIds: readonly string[], worker: WorkerIdentity, depth: number): void {
  const sqlite = new BetterSqlite3(file);
  sqlite.pragma('synchronous = OFF');
  sqlite.exec('CREATE TEMP TABLE place (at INTEGER PRIMARY KEY, id TEXT NOT NULL)');
  const place = sqlite.prepare('INSERT INTO place (at, id) VALUES (?, ?)');
  for (const [index, id] of repositoryIds.entries()) place.run(index, id);
  const jobs = (first: number, status: string, ended: string) => `
    ${numbers(depth)} INSERT INTO jobs (id, repository_id, revision, subject, author_name, seen_at, trigger, status, queued_at, attempt, worker_id,
      started_at, finished_at)
    SELECT printf('0190a000-0000-7000-8000-%012d', ${first} + i), place.id, printf('%040x', ${first} + i), 'Change the harbour', 'Ada', 1, 'poll',
      '${status}', 1, ${ended} FROM n JOIN place ON place.at = n.i % ${repositoryIds.length}`;
  sqlite.transaction(() => {
    sqlite.exec(jobs(0, 'succeeded', `1, '${worker.id}', 1, 2`));
    for (const type of ['job.started', 'job.finished']) {
      sqlite.exec(`INSERT INTO events (at, type, repository_id, job_id, data)
        SELECT 1, '${type}', repository_id, id, '{"attempt":1}' FROM jobs`);
    }
    sqlite.exec(jobs(depth, 'queued', '0, NULL, NULL, NULL'));
  })();
  sqlite.pragma('wal_checkpoint(TRUNCATE)');
  sqlite.close();
}

async function addRepositories(db: Db): Promise<string[]> {
  const ids = Array.from({ length: repositoryCount }, () => uuidv7());
  const rows = ids.map(id => ({
    ...{ id, name: id, vcs: 'git' as const, url: `file:///srv/${id}.git`, branch: 'main' },
    ...{ nextPollAt: 0, pollFailures: 0, addedAt: 0, concurrency: 2 },
  }));
  await db.insertInto('repositories').values(rows).execute();
  return ids;
}

export async function ours(file: string, depth: number): Promise<Side> {
  const db = openDatabase(file, { migrateSchema: true });
  const repositoryIds = await addRepositories(db);
  const workers = Array.from({ length: workerCount }, (_, slot) => ({ id: uuidv7(), name: `worker ${slot + 1}` }));
  for (const worker of workers) await insertWorker(db, { ...worker, pid: 1, startedAt: 0, checkupAt: 0 });
  fillOurs(file, repositoryIds, workers[0] ?? noWorker, depth);
  /** What each worker runs. */
  const held = new Map<WorkerIdentity, ClaimedJob>();
  let turn = 0;
  return {
    async setDurability(durability) {
      await sql.raw(`pragma synchronous = ${durability}`).execute(db);
    },
    async enqueue(count) {
      for (let done = 0; done < count; done += 1) {
        turn += 1;
        await enqueueRevision(db, {
          repositoryId: repositoryIds[turn % repositoryCount] ?? '',
          revision: {
            ...{ revision: `f${turn.toString(16).padStart(39, '0')}`, subject: 'Change the harbour' },
            ...{ authorName: 'Ada', committedAtMs: 1 },
          },
          trigger: 'poll',
          seenAtMs: Date.now(),
          now: Date.now(),
        });
      }
    },
    async complete(count) {
      for (let done = 0; done < count; done += 1) {
        turn += 1;
        const worker = workers[turn % workerCount] ?? noWorker;
        const running = held.get(worker) ?? (await claimNextJob(db, worker, Date.now()));
        if (!running) throw new Error('There was no job to claim.');
        const result = { status: 'succeeded', error: null, now: Date.now() } as const;
        const { next } = await finishAndClaimNext(db, running, result, worker);
        if (next) held.set(worker, next);
        else held.delete(worker);
      }
    },
    async completeApart(count) {
      for (let done = 0; done < count; done += 1) {
        turn += 1;
        const claimed = await claimNextJob(db, workers[turn % workerCount] ?? noWorker, Date.now());
        if (!claimed) throw new Error('There was no job to claim.');
        await finishJob(db, claimed, { status: 'succeeded', error: null, now: Date.now() });
      }
    },
    close: () => db.destroy(),
  };
}

export async function plainjob(file: string, depth: number): Promise<Side> {
  const sqlite = new BetterSqlite3(file);
  const silent = () => undefined;
  const queue = defineQueue({
    connection: better(sqlite),
    logger: { error: silent, warn: silent, info: silent, debug: silent },
  });
  const data = JSON.stringify({ repositoryId: uuidv7(), revision: 'f'.padStart(40, '0') });
  const fill = sqlite.prepare(
    `${numbers(depth)} INSERT INTO plainjob_jobs (type, data, status, created_at, next_run_at) SELECT 'build', ?, ?, 1, i FROM n`,
  );
  sqlite.transaction(() => {
    fill.run(data, 2);
    fill.run(data, 0);
  })();
  sqlite.pragma('wal_checkpoint(TRUNCATE)');
  return {
    async setDurability(durability) {
      sqlite.pragma(`synchronous = ${durability}`);
    },
    async enqueue(count) {
      for (let done = 0; done < count; done += 1) queue.add('build', { repositoryId: 'r', revision: 'f' });
    },
    async complete(count) {
      for (let done = 0; done < count; done += 1) {
        const job = queue.getAndMarkJobAsProcessing('build');
        if (!job) throw new Error('There was no job to claim.');
        queue.markJobAsDone(job.id);
      }
    },
    async close() {
      queue.close();
    },
  };
}

/** Claim and completion as one `UPDATE … RETURNING` each, on a table of an id and a state: what SQLite can do at most. */
export async function bare(file: string, depth: number): Promise<Side> {
  const sqlite = new BetterSqlite3(file);
  sqlite.pragma('journal_mode = WAL');
  sqlite.exec(`CREATE TABLE jobs (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, data TEXT NOT NULL);
    CREATE INDEX waiting ON jobs (id) WHERE state = 0`);
  const fill = sqlite.prepare(`${numbers(depth)} INSERT INTO jobs (state, data) SELECT ?, 'data' FROM n`);
  sqlite.transaction(() => {
    fill.run(2);
    fill.run(0);
  })();
  sqlite.pragma('wal_checkpoint(TRUNCATE)');
  const insert = sqlite.prepare("INSERT INTO jobs (state, data) VALUES (0, 'data')");
  const claim = sqlite.prepare<[], { id: number }>(
    'UPDATE jobs SET state = 1 WHERE id = (SELECT id FROM jobs WHERE state = 0 ORDER BY id LIMIT 1) RETURNING id',
  );
  const end = sqlite.prepare<[number], { id: number }>('UPDATE jobs SET state = 2 WHERE id = ? RETURNING id');
  return {
    async setDurability(durability) {
      sqlite.pragma(`synchronous = ${durability}`);
    },
    async enqueue(count) {
      for (let done = 0; done < count; done += 1) insert.run();
    },
    async complete(count) {
      for (let done = 0; done < count; done += 1) {
        const job = claim.get();
        if (!job) throw new Error('There was no job to claim.');
        end.get(job.id);
      }
    },
    async close() {
      sqlite.close();
    },
  };
}
