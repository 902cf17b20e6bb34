/** Owns the bench of recovery: how long a job stands still when its worker, or the whole host, is killed, stopped or put to sleep. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type JobDetail, jobDetailSchema } from '../../../src-main/contract/views/job.ts';
import { poolViewSchema } from '../../../src-main/contract/views/worker.ts';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { type HeadlessEngine, startHeadlessEngine } from '../../support/headless-engine.ts';
import { type Bench, inFolder, minRuns, type Row, rowOf } from '../bench.ts';

const root = resolve(import.meta.dirname, '../../..');
/** From the last checkup of a dead worker to the next attempt of its job. */
const limitSeconds = 15;
const named = z.object({ id: z.string() });

interface Place {
  readonly folder: string;
  readonly data: string;
  engine: HeadlessEngine;
}

/** Each attempt adds its own line to `begun` and then waits for `go`: both outside its tree, so nothing may shut it in. */
const pipelineOf = (folder: string) =>
  `isolation: none\nsteps:\n  - name: Wait\n    run: 'date +%s%N >> ${folder}/begun; while [ ! -e ${folder}/go ]; do sleep 0.05; done'\n`;

async function beginnings(folder: string): Promise<readonly number[]> {
  const text = await readFile(join(folder, 'begun'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => Number(line) / 1e6);
}

const start = (data: string) => startHeadlessEngine(data, { from: 'build', workers: 1 });

/** A job that runs its only step, in an engine of its own. */
async function beginJob(folder: string): Promise<Place & { readonly jobId: string }> {
  const [source, data] = [join(folder, 'source'), join(folder, 'data')];
  await mkdir(source);
  await writeFile(join(source, 'slipway.yml'), pipelineOf(folder));
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'Wait');
  const engine = await start(data);
  await engine.ask(named, '/repositories', { url: source });
  await eventually(async () => (await beginnings(folder)).length === 1, {
    what: 'the first attempt',
    timeoutMs: 60_000,
  });
  const { jobs } = await engine.ask(z.object({ jobs: z.array(named) }), '/jobs');
  return { folder, data, engine, jobId: jobs[0]?.id ?? '' };
}

async function worker(engine: HeadlessEngine): Promise<{ readonly pid: number; readonly checkupAtMs: number }> {
  const [first] = (await engine.ask(poolViewSchema, '/workers')).workers;
  if (!first?.pid) throw new Error('no worker runs');
  return { pid: first.pid, checkupAtMs: first.checkupAtMs };
}

/** What was done, and what became of the job when its step may go on. */
async function endOf(place: Place & { readonly jobId: string }): Promise<JobDetail> {
  await writeFile(join(place.folder, 'go'), '');
  try {
    return await eventually(
      async () => {
        const job = await place.engine.ask(jobDetailSchema, `/jobs/${place.jobId}`);
        return job.status !== 'running' && job.status !== 'queued' && job;
      },
      { what: 'the end of the job', timeoutMs: 60_000 },
    );
  } finally {
    place.engine.signal('SIGTERM');
    await place.engine.ended;
  }
}

interface Recovery {
  /** From the blow to the first command of the next attempt. */
  readonly seconds: number;
  /** From the last checkup before the blow. */
  readonly sinceCheckupSeconds: number;
}

/** Strikes while the job's first attempt runs. Fails unless the second attempt then succeeds. */
async function recover(strike: (place: Place, pid: number) => Promise<void>): Promise<Recovery> {
  return inFolder(async folder => {
    const place = await beginJob(folder);
    const { pid, checkupAtMs } = await worker(place.engine);
    const struckAtMs = Date.now();
    await strike(place, pid);
    const second = await eventually(async () => (await beginnings(folder))[1], {
      what: 'the second attempt',
      timeoutMs: 120_000,
    });
    const job = await endOf(place);
    if (job.status !== 'succeeded' || job.attempt !== 2) {
      throw new Error(`the job is ${job.status} after attempt ${job.attempt}`);
    }
    return { seconds: (second - struckAtMs) / 1_000, sinceCheckupSeconds: (second - checkupAtMs) / 1_000 };
  });
}

/** Everything stands still for longer than the supervisor's patience, as a laptop that sleeps. Returns how many attempts were lost. */
async function sleepAndWake(seconds: number): Promise<number> {
  return inFolder(async folder => {
    const place = await beginJob(folder);
    const { pid } = await worker(place.engine);
    for (const one of [place.engine.pid, pid]) process.kill(one, 'SIGSTOP');
    await delay(seconds * 1_000);
    for (const one of [pid, place.engine.pid]) process.kill(one, 'SIGCONT');
    // Long enough for a hasty supervisor to look several times.
    await delay(5_000);
    const job = await endOf(place);
    if (job.status !== 'succeeded') throw new Error(`the job is ${job.status}`);
    return job.attempt - 1;
  });
}

export const recoveryBench: Bench = {
  summary: 'how long a job stands still when its worker or its host is killed or stopped',
  async run({ quick, say }): Promise<readonly Row[]> {
    await buildIfStale(root, say);
    const blows = {
      'kill -9 of the worker, to the next attempt': async (_place: Place, pid: number) => {
        process.kill(pid, 'SIGKILL');
      },
      'SIGSTOP of the worker, to the next attempt': async (_place: Place, pid: number) => {
        process.kill(pid, 'SIGSTOP');
      },
      'kill -9 of the host and its start, to the next attempt': async (place: Place) => {
        place.engine.signal('SIGKILL');
        await place.engine.ended;
        place.engine = await start(place.data);
      },
    };
    const rows: Row[] = [];
    for (const [name, strike] of Object.entries(blows)) {
      const runs: Recovery[] = [];
      for (let run = 1; run <= minRuns; run += 1) {
        const recovery = await recover(strike);
        runs.push(recovery);
        say(
          `${name}: ${recovery.seconds.toFixed(1)} s, ${recovery.sinceCheckupSeconds.toFixed(1)} s since the checkup`,
        );
      }
      const sinceCheckup = runs.map(run => run.sinceCheckupSeconds);
      rows.push(rowOf({ name, unit: 's', ours: runs.map(run => run.seconds) }));
      rows.push(rowOf({ name: '  since the last checkup', unit: 's', ours: sinceCheckup, atMost: limitSeconds }));
      rows.push(rowOf({ name: '  since the last checkup, longest', unit: 's', ours: [Math.max(...sinceCheckup)] }));
    }
    const asleepSeconds = quick ? 14 : 20;
    const lost = await sleepAndWake(asleepSeconds);
    say(`asleep for ${asleepSeconds} s: ${lost} attempts lost`);
    rows.push(rowOf({ name: `asleep for ${asleepSeconds} s`, unit: 'attempts lost', ours: [lost], atMost: 0 }));
    return rows;
  },
};
