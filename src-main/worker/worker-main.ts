/** Owns the worker process: it claims jobs one after another, runs each, and ends when its engine does. */
import { DomainError, type ErrorCode, messageOf } from '../contract/errors.ts';
import {
  type FromWorker,
  toWorkerSchema,
  unrecordedExitCode,
  type WorkerSettings,
} from '../contract/worker-messages.ts';
import { type Db, openDatabase } from '../database/open-database.ts';
import { databaseError } from '../database/open-sqlite.ts';
import { systemClock } from '../domain/clock.ts';
import { dataFolder } from '../domain/data-folder.ts';
import { formatSize } from '../domain/format-size.ts';
import { closeInheritedHandles } from '../process/inherited-handles.ts';
import { openParentChannel } from '../process/parent-channel.ts';
import { type ClaimedJob, claimNextJob } from '../queue/attempt.ts';
import { createGitAccesses } from '../queue/git-accesses.ts';
import { findGit } from '../sources/git-cli.ts';
import { openStore } from '../stores/open-store.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type Checkup, startCheckup } from './checkup.ts';
import { createProgress } from './progress.ts';
import { createRecorder } from './record-build.ts';
import { runJob } from './run-job.ts';

/** The safety net under the engine's wake-ups, which come at once. */
const lookEveryMs = 1_000;
/** Why a database cannot be written, where that may pass by itself. */
const passing: ReadonlySet<string> = new Set<ErrorCode>(['data.busy', 'data.unwritable', 'store.full']);

closeInheritedHandles();
const channel = openParentChannel();
const tell = (message: FromWorker) => channel.send(message);
const progress = createProgress(tell);
const recorder = createRecorder(tell);
const logger = createLogger({ write: line => process.stderr.write(line) });

let current: { readonly jobId: string; readonly attempt: number; readonly abort: AbortController } | null = null;
let paused = true;
let draining = false;
let checkup: Checkup | null = null;
let wake: () => void = () => undefined;

function cancelCurrent(jobId: string, reason: DomainError): void {
  if (current?.jobId === jobId) current.abort.abort(reason);
}

/** What is known of an attempt that has ended says nothing of the next one of the same job. */
function cancelAttempt({ jobId, attempt }: { readonly jobId: string; readonly attempt: number }, reason: DomainError) {
  if (current?.attempt === attempt) cancelCurrent(jobId, reason);
}

/**
 * The next job, or null where none may run, or nothing can be written now: a worker that has nothing to lose waits until it can, as
 * the engine says what is wrong. Throws what no waiting mends.
 */
async function claim(db: Db, settings: WorkerSettings): Promise<ClaimedJob | null> {
  try {
    return await claimNextJob(db, { id: settings.workerId, name: settings.workerName }, systemClock());
  } catch (error) {
    const known = databaseError(error, settings.databaseFile);
    if (!(known instanceof DomainError) || !passing.has(known.code)) throw known;
    logger.warn('claim.failed', { error: known });
    return null;
  }
}

function startSigns(settings: WorkerSettings): Checkup {
  return startCheckup(
    { databaseFile: settings.databaseFile, workerId: settings.workerId, intervalMs: settings.checkupMs },
    message => {
      switch (message.type) {
        case 'activity':
          // A child process that works is a step's business, or git's.
          if (current) progress.moved();
          return;
        case 'cancel':
          cancelAttempt(message, new DomainError('job.cancelled', 'Cancelled by a person.'));
          return;
        case 'fenced':
          cancelAttempt(message, new DomainError('job.fenced', 'This attempt is no longer the one that runs.'));
      }
    },
    error => {
      // Without a checkup the supervisor would take this worker for dead: better to be so, and be replaced.
      logger.error('checkup.failed', { error });
      process.exit(1);
    },
  );
}

/**
 * Why this process should make place for a fresh one after so many jobs, or null. Memory that a library never gives back goes with
 * its process.
 */
function whyRecycle({ recycleAfterJobs, recycleAboveBytes }: WorkerSettings, jobsDone: number): string | null {
  if (jobsDone === 0) return null;
  if (jobsDone >= recycleAfterJobs) return `replaced by a fresh one after ${jobsDone} jobs`;
  const memoryBytes = process.memoryUsage.rss();
  if (memoryBytes <= recycleAboveBytes) return null;
  return `replaced by a fresh one: it had grown to ${formatSize(memoryBytes)} after ${jobsDone} jobs`;
}

function waitForWake(): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, lookEveryMs);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function run(settings: WorkerSettings): Promise<void> {
  checkup = startSigns(settings);
  const signs = checkup;
  const db = openDatabase(settings.databaseFile, { migrateSchema: false });
  const folder = dataFolder(settings.dataFolder);
  const masterKey = Buffer.from(settings.masterKey, 'base64');
  const [store, gitPath] = await Promise.all([
    openStore(settings.mainStoreUrl, settings.mainStoreAccess),
    findGit(),
    // Who cannot show that he lives takes no job.
    signs.started,
  ]);
  tell({ type: 'ready' });
  const identity = { id: settings.workerId, name: settings.workerName };
  /** Who takes the next job with the end of the present one: nobody who should take none. */
  const nextFor = () => (paused || draining || whyRecycle(settings, progress.jobsDone + 1) !== null ? null : identity);
  let next: ClaimedJob | null = null;
  let tidied: Promise<void> = Promise.resolve();
  while (next !== null || !draining) {
    if (next === null) {
      const reason = whyRecycle(settings, progress.jobsDone);
      if (reason) {
        tell({ type: 'leaving', reason });
        break;
      }
      next = paused ? null : await claim(db, settings);
      progress.moved();
    }
    if (next === null) {
      await waitForWake();
      continue;
    }
    const claimed: ClaimedJob = next;
    const abort = new AbortController();
    current = { jobId: claimed.job.id, attempt: claimed.token.attempt, abort };
    signs.watch(claimed.token);
    progress.begin({ kind: 'own', name: 'Start', limitMs: null });
    tell({ type: 'changed' });
    try {
      const ended = await runJob({
        db,
        claimed,
        folder,
        store,
        gitPath,
        // For each job anew: what a person set meanwhile holds.
        access: createGitAccesses({ db, masterKey, clock: systemClock, knownHostsFile: folder.knownHosts }),
        logger,
        signal: abort.signal,
        clock: systemClock,
        recordBuild: recorder.record,
        masterKey,
        nextFor,
        onChanged: () => tell({ type: 'changed' }),
        onLog: () => tell({ type: 'log', jobId: claimed.job.id }),
        onWork: progress.begin,
        onProgress: progress.moved,
      });
      ({ next } = ended);
      tidied = Promise.all([tidied, ended.tidied]).then(() => undefined);
    } finally {
      // Also when its end could not be recorded: `end` waits for this, and a worker that never ends keeps its job for ever.
      current = null;
      signs.watch(null);
    }
    progress.jobDone();
    if (next === null) {
      await tidied;
      progress.begin({ kind: 'idle', name: null, limitMs: null });
    }
    tell({ type: 'changed' });
  }
  await signs.stop();
  await db.destroy();
  process.exit(0);
}

/** Ends the running step before the process: a build must not outlive its worker. The supervisor returns the job to its place. */
async function end(exitCode: number): Promise<void> {
  draining = true;
  const ending = current;
  ending?.abort.abort(new DomainError('job.fenced', 'The worker is ending.'));
  while (current !== null && current === ending) await new Promise(resolve => setTimeout(resolve, 20));
  process.exit(exitCode);
}

channel.onMessage(raw => {
  const message = toWorkerSchema.safeParse(raw);
  if (!message.success) {
    logger.error('message.unknown', { problem: message.error.message });
    return;
  }
  switch (message.data.type) {
    case 'start':
      run(message.data.settings).catch(error => {
        logger.error('worker.failed', { error: messageOf(error), stack: error instanceof Error ? error.stack : null });
        const known = databaseError(error, 'the database');
        const isUnrecorded = known instanceof DomainError && known.code.startsWith('data.') && passing.has(known.code);
        void end(isUnrecorded ? unrecordedExitCode : 1);
      });
      return;
    case 'wake':
      wake();
      return;
    case 'pause':
      paused = message.data.paused;
      wake();
      return;
    case 'cancel':
      cancelCurrent(message.data.jobId, new DomainError('job.cancelled', 'Cancelled by a person.'));
      return;
    case 'drain':
      draining = true;
      wake();
      return;
    case 'checkup':
      checkup?.every(message.data.intervalMs);
      return;
    case 'recorded':
      recorder.recorded(message.data);
  }
});
channel.onDisconnect(() => void end(0));
process.on('SIGTERM', () => void end(0));
// Ctrl-C in a terminal reaches the whole group; the engine decides when its workers end.
process.on('SIGINT', () => undefined);
