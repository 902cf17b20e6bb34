/** Owns a small installation that builds: real database, store, keys, worker processes and Git repositories, in one folder. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BuildDefaultsChange } from '../../src-main/contract/isolation.ts';
import type { Trigger } from '../../src-main/contract/views/job.ts';
import { findJob, type JobRecord } from '../../src-main/database/jobs.ts';
import { type Clock, systemClock } from '../../src-main/domain/clock.ts';
import { dataFolder } from '../../src-main/domain/data-folder.ts';
import { isFinished } from '../../src-main/domain/job-states.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { changeBuildDefaults } from '../../src-main/queue/build-defaults.ts';
import { enqueueRevision } from '../../src-main/queue/enqueue.ts';
import { createWorkerPool } from '../../src-main/queue/worker-pool.ts';
import { createBuildAcceptance } from '../../src-main/releases/build-acceptance.ts';
import { openKeyring } from '../../src-main/secrets/keyring.ts';
import { openMasterKey } from '../../src-main/secrets/master-key.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { addRepository, testDatabase } from './database-fixtures.ts';
import { eventually } from './eventually.ts';
import { git } from './git-server.ts';
import type { OnEnd } from './scratch-folder.ts';

export interface BuildsOptions {
  readonly workers?: number;
  readonly clock?: Clock;
  readonly onEnd?: OnEnd;
  readonly onBattery?: () => boolean;
  readonly defaults?: BuildDefaultsChange;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts everything; the pool ends before the folder is removed. */
export async function startBuilds(options: BuildsOptions = {}) {
  const onEnd = options.onEnd ?? onTestFinished;
  const { db, file, folder: root } = await testDatabase(onEnd);
  const folder = dataFolder(root);
  await mkdir(folder.mainStore);
  await mkdir(folder.keys, { mode: 0o700 });
  const masterKey = (await openMasterKey({ folder: folder.keys })).toString('base64');
  const keyring = await openKeyring({ folder: folder.keys });
  const store = createFilesystemStore(folder.mainStore);
  const clock = options.clock ?? systemClock;
  // Tests of what builds do look at processes and files of the host; isolation and its limits have tests of their own.
  await changeBuildDefaults(db, { isolation: 'none', keepFreeBytes: 0, ...options.defaults });
  const pool = createWorkerPool({
    db,
    // A test may put programs of its own before all others.
    launcher: createNodeLauncher({
      env: {
        ...process.env,
        TEST_API_KEY: 'not-for-builds',
        ...options.env,
        PATH: `${root}/bin${delimiter}${options.env?.PATH ?? process.env.PATH}`,
      },
    }),
    power: { onBattery: () => Promise.resolve(options.onBattery?.() ?? null) },
    size: options.workers ?? 1,
    settings: { databaseFile: file, dataFolder: root, mainStoreUrl: folder.mainStore, masterKey },
    acceptance: createBuildAcceptance({ db, main: store, releaseKey: keyring.release }),
    clock,
    logger: silentLogger,
    onChanged: () => undefined,
    onLog: () => undefined,
  });
  await pool.start();
  onEnd(() => pool.stop());

  /** A repository on this disk, watched by the installation. */
  async function createRepository() {
    const source = join(root, 'sources', crypto.randomUUID());
    await mkdir(source, { recursive: true });
    await git(source, 'init', '--quiet', '--initial-branch=main');
    const id = await addRepository(db, source);
    return {
      id,
      source,
      /** Commits these files, and queues a job of the commit. */
      async push(
        files: Readonly<Record<string, string>>,
        how: { readonly trigger?: Trigger; readonly withoutCache?: boolean } = {},
      ): Promise<JobRecord> {
        for (const [path, text] of Object.entries(files)) {
          await mkdir(dirname(join(source, path)), { recursive: true });
          await writeFile(join(source, path), text);
        }
        await git(source, 'add', '--all');
        await git(source, 'commit', '--quiet', '--allow-empty', '-m', 'Change');
        const revision = await git(source, 'rev-parse', 'HEAD');
        const job = await enqueueRevision(db, {
          repositoryId: id,
          revision: { revision, subject: 'Change', authorName: 'Ada', committedAtMs: 1 },
          trigger: how.trigger ?? 'manual',
          withoutCache: how.withoutCache ?? false,
          seenAtMs: clock(),
          now: clock(),
        });
        if (!job) throw new Error('the job was not queued');
        pool.wake();
        return job;
      },
    };
  }

  return {
    db,
    root,
    folder,
    keyring,
    store,
    pool,
    createRepository,
    /** The job when it has ended, whatever the end. */
    async ended(jobId: string, timeoutMs?: number): Promise<JobRecord> {
      return eventually(
        async () => {
          const job = await findJob(db, jobId);
          return job && isFinished(job.status) ? job : null;
        },
        { what: `the end of job ${jobId}`, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      );
    },
    /** The number that a step wrote to a file of the test's folder, when it is there. */
    async numberIn(name: string): Promise<number> {
      return eventually(async () => Number((await readFile(join(root, name), 'utf8')).trim()) || null, {
        what: `a number in ${name}`,
      });
    },
    async log(job: Pick<JobRecord, 'id' | 'attempt'>): Promise<string> {
      return readFile(folder.jobLog(job.id, job.attempt), 'utf8');
    },
  };
}

/** A slipway.yml with these commands, each a step of its own. */
export function pipeline(...commands: readonly string[]): string {
  return `steps:\n${commands.map(command => `  - run: ${JSON.stringify(command)}\n`).join('')}`;
}
