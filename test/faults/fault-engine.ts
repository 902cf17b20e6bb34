/** Owns a whole engine on a data folder that is to suffer, with a repository whose build waits for a file of the test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startEngine } from '../../src-main/compose.ts';
import { listEvents } from '../../src-main/database/events.ts';
import { findJob, type JobRecord, listJobs } from '../../src-main/database/jobs.ts';
import type { Clock } from '../../src-main/domain/clock.ts';
import { isFinished } from '../../src-main/domain/job-states.ts';
import type { Engine } from '../../src-main/engine.ts';
import { engineStatus } from '../../src-main/host/views/status-view.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { changeBuildDefaults } from '../../src-main/queue/build-defaults.ts';
import { retryJob } from '../../src-main/queue/enqueue.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { pipeline } from '../support/builds.ts';
import { eventually } from '../support/eventually.ts';
import { git } from '../support/git-server.ts';

/** What a fault may take until it is noticed, and until all is well again: retries come after half a minute at the latest. */
const patience = { timeoutMs: 120_000 };

export interface FaultEngine {
  readonly engine: Engine;
  /** The codes of what the status says is wrong. */
  problems(): Promise<string[]>;
  eventTypes(): Promise<string[]>;
  /** The first job, when its step waits for the file. */
  waitingJob(): Promise<JobRecord>;
  /** The job's end, whichever. */
  ended(id: string): Promise<JobRecord>;
  /** The job's success; where it failed for lack of space, a person's retry comes between. */
  succeeded(id: string): Promise<JobRecord>;
  stop(): Promise<void>;
}

/** Starts an engine with one worker. */
export async function startFaultEngine(
  dataFolder: string,
  options: { readonly clock?: Clock; readonly workers?: number } = {},
): Promise<FaultEngine> {
  const engine = await startEngine({
    dataFolder,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
    workers: options.workers ?? 1,
    ...(options.clock ? { clock: options.clock } : {}),
  });
  onTestFinished(() => engine.stop());
  // Small disks, filled to the last byte: builds are not to end before.
  await changeBuildDefaults(engine.db, { keepFreeBytes: 0 });
  const ended = (id: string) =>
    eventually(
      async () => {
        const job = await findJob(engine.db, id);
        return job && isFinished(job.status) ? job : null;
      },
      { ...patience, what: `the end of job ${id}` },
    );
  return {
    engine,
    ended,
    problems: async () => (await engineStatus(engine)).problems.map(problem => problem.code),
    eventTypes: async () => (await listEvents(engine.db, { after: 0, limit: 10_000 })).map(event => event.type),
    waitingJob: () =>
      eventually(
        async () => {
          const [job] = await listJobs(engine.db, { status: 'running', limit: 1 });
          if (!job) return null;
          const steps = engine.db.selectFrom('steps').select('name').where('jobId', '=', job.id);
          const running = await steps.where('status', '=', 'running').where('phase', '=', 'build').executeTakeFirst();
          return running ? job : null;
        },
        { ...patience, what: 'the waiting step' },
      ),
    async succeeded(id) {
      const job = await ended(id);
      if (job.status !== 'failed' || JSON.parse(job.error ?? '{}').code !== 'store.full') return job;
      await retryJob(engine.db, id, engine.clock());
      engine.pool.wake();
      return ended(id);
    },
    stop: () => engine.stop(),
  };
}

/** A repository in `folder` whose build waits until the file `go` is there. */
export async function waitingSource(folder: string): Promise<{ readonly url: string; go(): Promise<void> }> {
  const url = join(folder, 'source');
  const file = join(folder, 'go');
  await mkdir(url, { recursive: true });
  // The file is none of the build's tree, so the build is not isolated.
  const text = pipeline(`while [ ! -e ${file} ]; do sleep 0.05; done`);
  await writeFile(join(url, 'slipway.yml'), `isolation: none\n${text}`);
  await git(url, 'init', '--quiet', '--initial-branch=main');
  await git(url, 'add', '--all');
  await git(url, 'commit', '--quiet', '-m', 'Wait');
  return { url, go: () => writeFile(file, '') };
}
