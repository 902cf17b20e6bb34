/** The pool's size, its modes and its replacements, with real workers. What is asserted are facts, never times. */
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { type SettingName, settingText } from '../../../src-main/contract/settings.ts';
import { unrecordedExitCode } from '../../../src-main/contract/worker-messages.ts';
import { listAttempts } from '../../../src-main/database/attempts.ts';
import { findJob } from '../../../src-main/database/jobs.ts';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { listLiveWorkers } from '../../../src-main/database/workers.ts';
import { systemClock } from '../../../src-main/domain/clock.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { createWorkerPool } from '../../../src-main/queue/worker-pool.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { eventTypes, testDatabase } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';

type Builds = Awaited<ReturnType<typeof startBuilds>>;

/** A step that tells its pid, and goes on when the file `go` is there. */
const waiting = (root: string) =>
  pipeline(`echo $$ > ${root}/pid.new; mv ${root}/pid.new ${root}/pid; while [ ! -e ${root}/go ]; do sleep 0.05; done`);

async function choose(builds: Builds, name: SettingName, value: string | number): Promise<void> {
  await writeSetting(builds.db, name, settingText(name, value));
  await builds.pool.configure(name);
}

/** The ids of the live workers when there are so many that can take jobs. */
async function ready(builds: Builds, count: number): Promise<readonly string[]> {
  return eventually(
    () => {
      const { members } = builds.pool;
      return members.length === count && members.every(member => member.isReady) && members.map(member => member.id);
    },
    { what: `${count} workers` },
  );
}

it('grows at once, and shrinks as jobs end, idle workers first', async () => {
  const builds = await startBuilds();
  const [first] = await ready(builds, 1);
  const repository = await builds.createRepository();
  const job = await repository.push({ 'slipway.yml': waiting(builds.root) });
  await builds.numberIn('pid');
  await choose(builds, 'workers.size', 3);
  await ready(builds, 3);

  await choose(builds, 'workers.size', 1);
  expect(await ready(builds, 1)).toEqual([first]);
  await choose(builds, 'workers.size', 0);
  expect(builds.pool.members).toMatchObject([{ id: first, leaving: 'no more than 0 wanted' }]);
  await writeFile(`${builds.root}/go`, '');
  expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  await ready(builds, 0);
  expect(await listLiveWorkers(builds.db)).toEqual([]);
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
});

it('drains: what runs is finished, nothing more is taken, also after a restart, until it is resumed', async () => {
  const builds = await startBuilds();
  const repository = await builds.createRepository();
  const job = await repository.push({ 'slipway.yml': waiting(builds.root) });
  await builds.numberIn('pid');
  await builds.pool.setMode('drained');
  const later = await repository.push({ 'slipway.yml': pipeline('true') });
  await writeFile(`${builds.root}/go`, '');
  expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  await ready(builds, 0);

  await builds.pool.stop();
  await builds.pool.start();
  expect(builds.pool).toMatchObject({ mode: 'drained', paused: true, members: [], problem: null });
  expect(await findJob(builds.db, later.id)).toMatchObject({ status: 'queued', attempt: 0 });

  await builds.pool.setMode('running');
  expect(await builds.ended(later.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
});

it('replaces a worker after its number of jobs, between two of them, and not as a loss', async () => {
  const builds = await startBuilds();
  await writeSetting(builds.db, 'workers.recycleAfterJobs', '1');
  await builds.pool.stop();
  await builds.pool.start();
  const repository = await builds.createRepository();
  const jobs = [await repository.push({ 'slipway.yml': pipeline('true') }), await repository.push({ 'a.txt': 'a' })];
  const workers: string[] = [];
  for (const job of jobs) {
    expect(await builds.ended(job.id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    workers.push(...(await listAttempts(builds.db, job.id)).map(attempt => attempt.workerId));
  }
  expect(new Set(workers).size).toBe(2);
  const exit = await eventually(async () => {
    const rows = await builds.db
      .selectFrom('workers')
      .select(['id', 'exit'])
      .where('stoppedAt', 'is not', null)
      .execute();
    return rows.find(row => row.id === workers[1])?.exit;
  });
  expect(JSON.parse(exit)).toMatchObject({ reason: 'replaced by a fresh one after 1 jobs', exitCode: 0 });
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
});

it('follows the power: none on battery if that was chosen, all of them when it is plugged in again', async () => {
  let onBattery = false;
  let aheadMs = 0;
  const builds = await startBuilds({ onBattery: () => onBattery, clock: () => Date.now() + aheadMs });
  await choose(builds, 'workers.onBattery', 'none');
  await choose(builds, 'workers.size', 'auto');
  const { workers } = builds.pool.size;
  await ready(builds, workers);
  onBattery = true;
  aheadMs += 60_000;
  await ready(builds, 0);
  expect(builds.pool.size).toEqual({ workers: 0, reason: 'none on battery' });
  onBattery = false;
  aheadMs += 60_000;
  await ready(builds, workers);
  expect(await eventTypes(builds.db)).not.toContain('worker.lost');
});

/** Two workers, each of them this program. */
async function poolOf(program: string) {
  const { db, file, folder } = await testDatabase();
  await mkdir(`${folder}/store`);
  await writeFile(`${folder}/program.mjs`, `${program}\n`);
  const pool = createWorkerPool({
    db,
    launcher: createNodeLauncher({ pathOf: () => `${folder}/program.mjs` }),
    power: { onBattery: () => Promise.resolve(null) },
    size: 2,
    settings: { databaseFile: file, dataFolder: folder, mainStoreUrl: `${folder}/store`, masterKey: '' },
    acceptance: { accept: () => Promise.resolve() },
    clock: systemClock,
    logger: silentLogger,
    onChanged: () => undefined,
    onLog: () => undefined,
  });
  onTestFinished(() => pool.stop());
  await pool.start();
  return pool;
}

it('tries workers that could not write again and again, and takes none for broken', async () => {
  const pool = await poolOf(`process.exit(${unrecordedExitCode});`);
  const seen = new Set<string>();
  await eventually(
    () => {
      for (const member of pool.members) seen.add(member.id);
      return seen.size >= 8;
    },
    { what: 'workers tried again' },
  );
  expect(pool.problem).toBeNull();
});

it('says so when no worker can be started, with the last words of one, and backs off', async () => {
  const pool = await poolOf('throw new Error("a library is missing");');
  const problem = await eventually(() => pool.problem, { what: 'the problem' });
  expect(problem).toMatchObject({
    code: 'worker.crash_loop',
    message: expect.stringMatching(
      /^No worker can be started: 3 tries ended within 30 s\. Builds wait.*a library is missing$/,
    ),
  });
  // Nothing to say to the words of another broken start, once nobody wants it.
  await pool.setMode('drained');
  expect(pool.problem).toBeNull();
});
