/** Owns what becomes of a database of the schema before the newest attempt moved into its job's row. */
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { listAttempts, listSteps } from '../../../src-main/database/attempts.ts';
import { findJobOfWorker, listRunningJobs } from '../../../src-main/database/jobs.ts';
import { initialSchema } from '../../../src-main/database/migrations/001-initial.ts';
import { buildEnvironment } from '../../../src-main/database/migrations/002-build-environment.ts';
import { channelEnvironment } from '../../../src-main/database/migrations/003-channel-environment.ts';
import { isolation } from '../../../src-main/database/migrations/004-isolation.ts';
import { caches } from '../../../src-main/database/migrations/005-caches.ts';
import { workerPool } from '../../../src-main/database/migrations/006-worker-pool.ts';
import { queueHeads } from '../../../src-main/database/migrations/007-queue-heads.ts';
import { eventCursors } from '../../../src-main/database/migrations/008-event-cursors.ts';
import { openDatabase } from '../../../src-main/database/open-database.ts';
import { findRepository } from '../../../src-main/database/repositories.ts';
import { finishJob } from '../../../src-main/queue/attempt.ts';
import { enqueueRevision, retryJob } from '../../../src-main/queue/enqueue.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const before = [
  ...[initialSchema, buildEnvironment, channelEnvironment, isolation, caches],
  ...[workerPool, queueHeads, eventCursors],
];

/** A job that failed twice, one whose worker was lost and that runs again, one that waits, and one whose engine wrote no end. */
function fillOld(file: string): void {
  const old = new BetterSqlite3(file);
  for (const schema of before) old.exec(schema);
  old.pragma(`user_version = ${before.length}`);
  old.exec(`INSERT INTO repositories (id, name, vcs, url, branch, current_revision, next_poll_at, added_at, concurrency)
    VALUES ('r1', 'harbour', 'git', 'file:///srv/harbour.git', 'main', 'seen', 5, 4, 2)`);
  old.exec(`INSERT INTO workers (id, name, pid, started_at, checkup_at) VALUES ('w1', 'worker 1', 1, 1, 1)`);
  const job =
    old.prepare(`INSERT INTO jobs (id, repository_id, revision, subject, author_name, seen_at, trigger, status, queued_at, attempt,
      worker_id, started_at, finished_at, error) VALUES (?, 'r1', ?, 's', 'a', 1, 'poll', ?, 1, ?, ?, ?, ?, ?)`);
  job.run('failed', 'a', 'failed', 2, null, 30, 40, '{"code":"second"}');
  job.run('running', 'b', 'running', 2, 'w1', 50, null, null);
  job.run('waiting', 'c', 'queued', 0, null, null, null, null);
  job.run('odd', 'd', 'interrupted', 1, null, 60, 70, null);
  const attempt = old.prepare('INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  attempt.run('failed', 1, 'gone', 'worker 7', 10, 20, 'failed', '{"code":"first"}', '{"level":"none"}');
  attempt.run('failed', 2, 'w1', 'worker 1', 30, 40, 'failed', '{"code":"second"}', null);
  attempt.run('running', 1, 'gone', 'worker 7', 20, 45, 'lost', '{"code":"worker.lost"}', null);
  attempt.run('running', 2, 'w1', 'worker 1', 50, null, 'running', null, '{"level":"bubblewrap"}');
  attempt.run('odd', 1, 'gone', 'worker 7', 60, null, 'running', null, null);
  old.exec(`INSERT INTO steps (job_id, attempt, position, name, phase, idempotent, status, evidence)
    VALUES ('running', 2, 0, 'Build', 'build', 1, 'running', '[]')`);
  old.exec(`INSERT INTO events (at, type, repository_id, job_id, data) VALUES (1, 'job.queued', 'r1', 'failed', '{}')`);
  old.close();
}

it('every attempt, step and head of an old database is told as before, and its jobs go on', async () => {
  const file = `${await scratchFolder()}/slipway.db`;
  fillOld(file);
  const db = openDatabase(file, { migrateSchema: true });
  onTestFinished(() => db.destroy());

  const told = async (id: string) =>
    (await listAttempts(db, id)).map(each => [
      ...[each.attempt, each.workerId, each.workerName, each.startedAt, each.finishedAt],
      ...[each.outcome, each.error, each.isolation],
    ]);
  const ofFailed = [
    [1, 'gone', 'worker 7', 10, 20, 'failed', '{"code":"first"}', '{"level":"none"}'],
    [2, 'w1', 'worker 1', 30, 40, 'failed', '{"code":"second"}', null],
  ];
  const lost = [1, 'gone', 'worker 7', 20, 45, 'lost', '{"code":"worker.lost"}', null];
  expect(await told('failed')).toEqual(ofFailed);
  expect(await told('running')).toEqual([
    lost,
    [2, 'w1', 'worker 1', 50, null, 'running', null, '{"level":"bubblewrap"}'],
  ]);
  expect(await told('waiting')).toEqual([]);
  expect(await told('odd')).toEqual([[1, 'gone', 'worker 7', 60, 60, 'lost', null, null]]);
  expect(await listSteps(db, 'running', 2)).toMatchObject([{ name: 'Build', status: 'running' }]);
  expect((await findRepository(db, 'r1'))?.currentRevision).toBe('seen');

  const [running, ...others] = await listRunningJobs(db);
  expect([running?.id, others]).toEqual(['running', []]);
  expect((await findJobOfWorker(db, 'w1'))?.id).toBe('running');
  if (!running) throw new Error('the job is gone');
  const token = { jobId: 'running', attempt: 2, workerId: 'w1' };
  await finishJob(db, { job: running, token }, { status: 'succeeded', error: null, now: 80 });
  expect(await told('running')).toEqual([
    lost,
    [2, 'w1', 'worker 1', 50, 80, 'succeeded', null, '{"level":"bubblewrap"}'],
  ]);
  expect(await listRunningJobs(db)).toEqual([]);
  await retryJob(db, 'failed', 90);
  expect(await told('failed')).toEqual(ofFailed);

  const revision = { revision: 'e', subject: 's', authorName: 'a', committedAtMs: null };
  const enqueue = { repositoryId: 'r1', revision, trigger: 'poll', seenAtMs: 91, now: 91 } as const;
  expect((await enqueueRevision(db, enqueue))?.number).toBe(5);
  expect((await findRepository(db, 'r1'))?.currentRevision).toBe('e');
  // A branch that goes back to what was queued before: no job, and still the current revision.
  expect(await enqueueRevision(db, { ...enqueue, revision: { ...revision, revision: 'c' } })).toBeNull();
  expect((await findRepository(db, 'r1'))?.currentRevision).toBe('c');

  for (const change of ["status = 'odd'", "trigger = 'odd'"]) {
    await expect(sql.raw(`UPDATE jobs SET ${change} WHERE id = 'waiting'`).execute(db)).rejects.toThrow('CHECK');
  }
  const sqlite = new BetterSqlite3(file, { readonly: true });
  expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(sqlite.pragma('foreign_key_check')).toEqual([]);
  sqlite.close();
});
