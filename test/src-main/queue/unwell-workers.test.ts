/** Workers whose signs of life are in doubt: a locked database, a stop and a continuation. Real processes; facts, never times. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import { listBuilds } from '../../../src-main/database/builds.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { updateRepository } from '../../../src-main/database/repositories.ts';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { findWorker, listLiveWorkers } from '../../../src-main/database/workers.ts';
import { checkupDeadlineMs } from '../../../src-main/domain/clock.ts';
import { releaseJobOfLostWorker } from '../../../src-main/queue/supervisor.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { isAlive } from '../../support/child-program.ts';
import { eventTypes } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { createSteppingClock } from '../../support/stepping-clock.ts';

it('does not end a worker whose checkups wait for a locked database', async () => {
  let looks = 0;
  const builds = await startBuilds({
    clock: () => {
      looks += 1;
      return Date.now();
    },
  });
  await builds.pool.stop();
  await writeSetting(builds.db, 'workers.checkupMs', '1000');
  await builds.pool.start();
  const repository = await builds.createRepository();
  const step = `echo $$ > ${builds.root}/pid; while [ ! -e ${builds.root}/go ]; do sleep 0.05; done`;
  const job = await repository.push({ 'slipway.yml': pipeline(step) });
  await builds.numberIn('pid');
  const [worker] = await listLiveWorkers(builds.db);

  // What another program that locks the file does.
  const other = new BetterSqlite3(builds.folder.databaseFile);
  onTestFinished(() => {
    other.close();
  });
  other.exec('BEGIN IMMEDIATE');
  await eventually(
    async () => {
      const checkupAt = (await findWorker(builds.db, worker?.id ?? ''))?.checkupAt ?? 0;
      return Date.now() - checkupAt > checkupDeadlineMs(1_000) + 4_000;
    },
    { what: 'checkups that are long overdue' },
  );
  looks = 0;
  await eventually(() => looks >= 6, { what: 'looks of the supervisor' });
  other.exec('COMMIT');
  expect(isAlive(worker?.pid ?? 0)).toBe(true);
  await writeFile(`${builds.root}/go`, '');
  expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 1, lostCount: 0 });
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
});

it('lets a worker that was stopped, and continued when its job ran elsewhere, publish nothing', async () => {
  const builds = await startBuilds();
  const repository = await builds.createRepository();
  const { root } = builds;
  const once = `if [ ! -e ${root}/pid ]; then echo $$ > ${root}/pid; while [ ! -e ${root}/go ]; do sleep 0.05; done; fi`;
  const job = await repository.push({ 'slipway.yml': pipeline(once), 'a.txt': 'a' });
  await builds.numberIn('pid');
  const [stopped] = await listLiveWorkers(builds.db);
  process.kill(stopped?.pid ?? 0, 'SIGSTOP');
  // A supervisor elsewhere, which cannot kill it, gives the job back; another worker is there to take it.
  const evidence = {
    exitCode: null,
    signal: null,
    silentMs: 13_000,
    peakMemoryBytes: null,
    lastOutput: '',
    logTail: '',
  };
  await releaseJobOfLostWorker(
    builds.db,
    stopped?.id ?? '',
    { reason: 'no checkup for 13 s', ...evidence },
    Date.now(),
  );
  await writeSetting(builds.db, 'workers.size', '2');
  await builds.pool.configure('workers.size');
  const second = await builds.ended(job.id);
  expect(second).toMatchObject({ status: 'succeeded', attempt: 2 });

  process.kill(stopped?.pid ?? 0, 'SIGCONT');
  await writeFile(`${root}/go`, '');
  const next = await repository.push({ 'b.txt': 'b' });
  await builds.ended(next.id);
  // The first worker is through with its attempt when it can be asked for another job, or has ended.
  await eventually(() => builds.pool.members.every(member => member.signs.work.kind === 'idle'), {
    what: 'idle workers',
  });
  expect(await findJob(builds.db, job.id)).toEqual(second);
  const made = (await listBuilds(builds.db, { limit: 10 })).filter(build => build.jobId === job.id);
  expect(made.map(build => build.attempt)).toEqual([2]);
  expect((await listAttempts(builds.db, job.id)).map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
});

it('fails a job whose checkout cannot be written, and keeps its worker', async () => {
  const builds = await startBuilds();
  await builds.pool.stop();
  const { root } = builds;
  const real = process.env.PATH?.split(':').find(folder => existsSync(`${folder}/git`));
  const refusal = 'error: unable to create file a.txt: Permission denied';
  const refusing = `case " $* " in *" read-tree "*) echo "${refusal}" >&2; exit 1;; esac`;
  await mkdir(`${root}/bin`);
  await writeFile(`${root}/bin/git`, `#!/bin/sh\n${refusing}\nexec ${real}/git "$@"\n`, { mode: 0o755 });
  await builds.pool.start();
  const repository = await builds.createRepository();
  await updateRepository(builds.db, repository.id, { retryLimit: 0 });
  const job = await repository.push({ 'slipway.yml': pipeline('true'), 'a.txt': 'a' });
  const ended = await builds.ended(job.id);
  expect(ended).toMatchObject({ status: 'failed', attempt: 1, lostCount: 0 });
  expect(JSON.parse(ended.error ?? '{}')).toMatchObject({ code: 'data.unwritable' });
  const [attempt] = await listAttempts(builds.db, job.id);
  expect((await listLiveWorkers(builds.db)).map(({ id }) => id)).toEqual([attempt?.workerId]);
});

it.skipIf(process.platform !== 'linux')(
  'replaces a worker whose checkout stands still, though it shows that it lives',
  async () => {
    const time = createSteppingClock();
    const builds = await startBuilds({ clock: time.clock });
    await builds.pool.stop();
    const { root } = builds;
    // A fetch that hangs the first time.
    const hanging = `if [ ! -e ${root}/hung ]; then case " $* " in *" fetch "*) touch ${root}/hung; exec sleep 600;; esac; fi`;
    const real = process.env.PATH?.split(':').find(folder => existsSync(`${folder}/git`));
    await mkdir(`${root}/bin`);
    await writeFile(`${root}/bin/git`, `#!/bin/sh\n${hanging}\nexec ${real}/git "$@"\n`, { mode: 0o755 });
    await writeSetting(builds.db, 'workers.stallMs', '60000');
    await builds.pool.start();
    const repository = await builds.createRepository();
    const job = await repository.push({ 'slipway.yml': pipeline('true') });
    await eventually(() => existsSync(`${root}/hung`), { what: 'the fetch that hangs' });
    // Time runs faster, for the supervisor alone, and never so fast that it seems to have slept.
    time.step(1_000);
    await eventually(async () => (await eventTypes(builds.db)).includes('worker.lost'), { what: 'the loss' });
    time.step(0);
    expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 2 });
    const [lost] = await listAttempts(builds.db, job.id);
    expect(JSON.parse(lost?.error ?? '{}').details).toMatchObject({
      reason: expect.stringMatching(/^"Check out" made no progress for \d+ s, though it showed that it lives$/),
      step: 'Check out',
      signal: 'SIGKILL',
    });
  },
  180_000,
);
