import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listSecrets, listVariables, putSecret, putVariable } from '../../../src-main/database/build-environment.ts';
import { findPack, insertPack } from '../../../src-main/database/builds.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { initialSchema } from '../../../src-main/database/migrations/001-initial.ts';
import { buildEnvironment } from '../../../src-main/database/migrations/002-build-environment.ts';
import { openDatabase } from '../../../src-main/database/open-database.ts';
import { findChannel, listReleases } from '../../../src-main/database/releases.ts';
import { findRepository } from '../../../src-main/database/repositories.ts';
import { readSetting } from '../../../src-main/database/settings.ts';
import { findWorker } from '../../../src-main/database/workers.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('the checksums of packs', () => {
  it('are unknown for packs of an old database, and kept for new ones', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.pragma('user_version = 1');
    old.exec(`INSERT INTO packs (digest, artifact_id, kind, size_bytes, info_hash, stored_at)
      VALUES ('${'a'.repeat(64)}', '${'b'.repeat(64)}', 'full', 1, '${'c'.repeat(40)}', 1)`);
    old.close();

    const db = openDatabase(file, { migrateSchema: true });
    expect(await findPack(db, 'a'.repeat(64))).toMatchObject({ sizeBytes: 1, crc32c: null, md5: null });
    const pack = {
      ...{ digest: 'd'.repeat(64), artifactId: 'b'.repeat(64), kind: 'full' as const, baseArtifactId: null },
      ...{ sizeBytes: 1, infoHash: 'c'.repeat(40), storedAt: 1, crc32c: 'e3069283', md5: 'f'.repeat(32) },
    };
    await insertPack(db, pack);
    expect(await findPack(db, pack.digest)).toEqual({ ...pack, reclaimedAt: null });
    await expect(insertPack(db, { ...pack, digest: '1'.repeat(64), md5: 'short' })).rejects.toThrow('CHECK');
    await db.destroy();
  });
});

describe('the heads of the queue', () => {
  it('are computed from the jobs of an old database, whose running job goes on', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.exec(buildEnvironment);
    old.pragma('user_version = 2');
    for (const id of ['busy', 'waiting', 'idle']) {
      old.exec(`INSERT INTO repositories (id, name, vcs, url, branch, next_poll_at, added_at)
        VALUES ('${id}', '${id}', 'git', 'file:///srv/${id}.git', 'main', 5, 4)`);
    }
    const jobs = [
      ['busy', 'succeeded', null, 9, 1],
      ['busy', 'running', 'w1', null, 1],
      ['waiting', 'failed', null, 9, 1],
      ['busy', 'queued', null, null, 1],
      ['waiting', 'queued', null, null, 1],
      ['waiting', 'queued', null, null, 0],
    ];
    const insert =
      old.prepare(`INSERT INTO jobs (id, repository_id, revision, subject, author_name, seen_at, trigger, status,
      worker_id, finished_at, attempt, queued_at) VALUES (?, ?, ?, 's', 'a', 1, 'poll', ?, ?, ?, ?, 1)`);
    jobs.forEach(([repository, ...rest], index) => {
      insert.run(`j${index + 1}`, repository, `r${index + 1}`, ...rest);
    });
    old.exec(
      `INSERT INTO workers (id, name, pid, started_at, checkup_at, job_id) VALUES ('w1', 'worker 1', 1, 1, 1, 'j2')`,
    );
    old.exec(`INSERT INTO attempts (job_id, attempt, worker_id, worker_name, started_at, outcome)
      VALUES ('j2', 1, 'w1', 'worker 1', 1, 'running')`);
    old.close();

    const db = openDatabase(file, { migrateSchema: true });
    const heads = await db.selectFrom('queueHeads').selectAll().orderBy('repositoryId').execute();
    expect(heads).toEqual([
      {
        repositoryId: 'busy',
        head: 4,
        notBefore: 0,
        liftedTo: null,
        running: 1,
        cap: 1,
        hasRoom: 0,
        runningNumbers: ',2',
        lineFrom: 5,
      },
      {
        repositoryId: 'idle',
        head: null,
        notBefore: null,
        liftedTo: null,
        running: 0,
        cap: 1,
        hasRoom: 1,
        runningNumbers: '',
        lineFrom: 0,
      },
      {
        repositoryId: 'waiting',
        head: 5,
        notBefore: 0,
        liftedTo: null,
        running: 0,
        cap: 1,
        hasRoom: 1,
        runningNumbers: '',
        lineFrom: 6,
      },
    ]);
    const worker = { id: 'w2', name: 'worker 2' };
    expect((await claimNextJob(db, worker, 10))?.job).toMatchObject({ id: 'j5', priority: 0, automaticRetries: 0 });
    const busy = await findJob(db, 'j2');
    if (!busy) throw new Error('the job is gone');
    const token = { jobId: 'j2', attempt: 1, workerId: 'w1' };
    await finishJob(db, { job: busy, token }, { status: 'succeeded', error: null, now: 11 });
    expect((await claimNextJob(db, worker, 12))?.job.id).toBe('j4');
    await db.destroy();
  });
});

describe('the cursors of events', () => {
  it('are found for the jobs of an old database, whose events keep theirs', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.exec(buildEnvironment);
    old.pragma('user_version = 2');
    old.exec(`INSERT INTO repositories (id, name, vcs, url, branch, next_poll_at, added_at)
      VALUES ('r1', 'harbour', 'git', 'file:///srv/harbour.git', 'main', 5, 4)`);
    for (const id of ['j1', 'j2']) {
      old.exec(`INSERT INTO jobs (id, repository_id, revision, subject, author_name, seen_at, trigger, status, queued_at)
        VALUES ('${id}', 'r1', 'of ${id}', 's', 'a', 1, 'poll', 'queued', 1)`);
    }
    const event = old.prepare(
      `INSERT INTO events (cursor, at, type, repository_id, job_id, data) VALUES (?, 1, ?, 'r1', ?, '{"old":true}')`,
    );
    event.run(3, 'revision.seen', 'j1');
    event.run(10, 'revision.seen', 'j2');
    event.run(11, 'repository.added', null);
    event.run(12, 'job.queued', 'j1');
    old.close();

    const db = openDatabase(file, { migrateSchema: true });
    onTestFinished(() => db.destroy());
    const claimed = await claimNextJob(db, { id: 'w1', name: 'worker 1' }, 10);
    expect(claimed?.job.id).toBe('j1');
    const eventsOf = async (jobId: string, after = 0, limit = 10) =>
      (await listEvents(db, { after, limit, jobId })).map(each => [each.cursor, each.type, each.jobId]);
    expect(await eventsOf('j1')).toEqual([
      [3, 'revision.seen', 'j1'],
      [12, 'job.queued', 'j1'],
      [13, 'job.started', 'j1'],
    ]);
    expect(await eventsOf('j1', 3, 1)).toEqual([[12, 'job.queued', 'j1']]);
    expect(await eventsOf('j2')).toEqual([[10, 'revision.seen', 'j2']]);
    expect(await eventsOf('nobody')).toEqual([]);
    expect((await listEvents(db, { after: 10, limit: 1 })).map(each => each.cursor)).toEqual([11]);
    const orphan = sql`UPDATE jobs SET repository_id = 'nobody' WHERE id = 'j2'`.execute(db);
    await expect(orphan).rejects.toThrow('FOREIGN KEY');
    const stray =
      sql`INSERT INTO earlier_attempts (job_id, attempt, worker_id, worker_name, started_at, finished_at, outcome)
      VALUES ('nothing', 1, 'w', 'w', 1, 2, 'lost')`.execute(db);
    await expect(stray).rejects.toThrow('FOREIGN KEY');
  });
});

describe('the second schema', () => {
  it('takes a database of the first with its rows, and may be applied again', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.pragma('user_version = 1');
    old.exec(`INSERT INTO repositories (id, name, vcs, url, branch, next_poll_at, added_at)
      VALUES ('r1', 'harbour', 'git', 'file:///srv/harbour.git', 'main', 5, 4);
      INSERT INTO settings (key, value) VALUES ('trust.serial', '7')`);
    old.close();

    for (const value of ['first', 'second']) {
      const db = openDatabase(file, { migrateSchema: true });
      expect(await findRepository(db, 'r1')).toMatchObject({ name: 'harbour', branch: 'main', addedAt: 4 });
      expect(await readSetting(db, 'trust.serial')).toBe('7');
      await putVariable(db, { repositoryId: 'r1', name: 'WORD', value, setAt: 1 });
      await putSecret(db, { repositoryId: 'r1', name: 'TOKEN', sealedValue: value, setAt: 2 });
      expect(await listVariables(db, 'r1')).toEqual([{ repositoryId: 'r1', name: 'WORD', value, setAt: 1 }]);
      expect(await listSecrets(db, 'r1')).toEqual([
        { repositoryId: 'r1', name: 'TOKEN', sealedValue: value, setAt: 2 },
      ]);
      await expect(putVariable(db, { repositoryId: 'nobody', name: 'WORD', value: '', setAt: 1 })).rejects.toThrow(
        'FOREIGN KEY',
      );
      await db.destroy();
    }
    const after = new BetterSqlite3(file, { readonly: true });
    expect(Number(after.pragma('user_version', { simple: true }))).toBeGreaterThanOrEqual(2);
    after.close();
  });
});

describe('the schema of channel environments', () => {
  it('takes channels and releases that have none', async () => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.exec(buildEnvironment);
    old.pragma('user_version = 2');
    old.pragma('foreign_keys = OFF');
    old.exec(`INSERT INTO repositories (id, name, vcs, url, branch, next_poll_at, added_at)
      VALUES ('r1', 'harbour', 'git', 'file:///srv/harbour.git', 'main', 5, 4);
      INSERT INTO channels (id, repository_id, name, policy) VALUES ('c1', 'r1', 'production', 'auto');
      INSERT INTO releases (id, channel_id, serial, build_id, kind, created_at)
      VALUES ('e1', 'c1', 7, 'b1', 'promote', 8)`);
    old.close();
    const db = openDatabase(file, { migrateSchema: true });
    expect(await findChannel(db, 'r1', 'production')).toMatchObject({ policy: 'auto', valuesChanged: 0 });
    expect(await listReleases(db, 'c1', 5)).toMatchObject([
      { serial: 7, environmentVersion: null, environmentDigest: null },
    ]);
    await db.destroy();
  });
});

describe('the schema of the worker pool', () => {
  it.each([
    ['true', 'paused'],
    ['false', 'running'],
  ])('keeps a pool whose paused was %s as %s, and its workers', async (before, after) => {
    const file = `${await scratchFolder()}/slipway.db`;
    const old = new BetterSqlite3(file);
    old.exec(initialSchema);
    old.exec(buildEnvironment);
    old.pragma('user_version = 2');
    old.exec(`INSERT INTO settings (key, value) VALUES ('workers.paused', '${before}');
      INSERT INTO workers (id, name, pid, started_at, checkup_at) VALUES ('w1', 'worker 1', 7, 1, 2)`);
    old.close();

    const db = openDatabase(file, { migrateSchema: true });
    onTestFinished(() => db.destroy());
    expect(await readSetting(db, 'workers.mode')).toBe(after);
    expect(await findWorker(db, 'w1')).toMatchObject({ checkupAt: 2, memoryBytes: null, peakMemoryBytes: null });
  });
});
