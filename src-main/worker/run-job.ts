/** Owns one attempt from its claim to its end: the phases in order, and what becomes of every way to fail. */
import { mkdir, rm } from 'node:fs/promises';
import { createSbom } from '../artifacts/sbom/create-sbom.ts';
import type { Sbom } from '../artifacts/sbom/sbom-document.ts';
import type { BuildFacts } from '../contract/documents.ts';
import { drillRepositoryId } from '../contract/drill.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import type { WorkerIdentity } from '../database/job-queue.ts';
import type { Db } from '../database/open-database.ts';
import { databaseError } from '../database/open-sqlite.ts';
import { listRegions } from '../database/regions.ts';
import { findRepository } from '../database/repositories.ts';
import {
  addSteps,
  type ClaimedJob,
  endAttempt,
  recordIsolation,
  recordStep,
  recordStepProgress,
} from '../queue/attempt.ts';
import { readBuildDefaults, repositoryChoice } from '../queue/build-defaults.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { locateStore } from '../stores/store-location.ts';
import { listTree, readStart } from '../toolchains/list-tree.ts';
import { type AttemptRun, asStep, type BuildRun, type StepRecorder } from './attempt-run.ts';
import { packStep, planTree, runTree } from './build-tree.ts';
import { cacheVariables, restoreCaches, saveCaches } from './caches.ts';
import { deltaStep, findDeltaBases, makeDeltaPacks } from './delta-packs.ts';
import { environmentDigests, environmentNames, openEnvironment } from './environment.ts';
import { openJobLog } from './job-log.ts';
import { changedSinceLastBuild, checkOut, treeIdOf } from './prepare.ts';
import type { Work } from './progress.ts';
import { publishArtifact, publishReused, publishStep, type ReusedResult } from './publish.ts';
import { findReusable, isReusable, resultKey, wantsResult } from './result-cache.ts';
import { runDrill } from './run-drill.ts';
import { tellingRecorder } from './step-limits.ts';
import { createTestReport, type TestReport } from './test-report.ts';

/** What a worker gives to each job; the rest of an `AttemptRun` is made of it. */
export interface JobContext
  extends Omit<AttemptRun, 'repository' | Exclude<keyof BuildRun, 'signal' | 'clock' | 'onProgress'>> {
  readonly store: BlobStore;
  /** Has a build record signed and stored by the engine: this process has no key that counts. */
  readonly recordBuild: (facts: BuildFacts, signal: AbortSignal) => Promise<void>;
  /** Opens the repository's secrets. */
  readonly masterKey: Uint8Array;
  readonly onLog: () => void;
  /** What the attempt is at from now on. */
  readonly onWork: (work: Work) => void;
  /** Asked as the attempt ends: for whom the next job is claimed with its end, or null for nobody. */
  readonly nextFor: () => WorkerIdentity | null;
}

export interface EndedJob {
  /** Runs from now on, for the worker that `nextFor` named. */
  readonly next: ClaimedJob | null;
  /** Settles when its work folder is gone, which the next job need not wait for. Never rejects. */
  readonly tidied: Promise<void>;
}

/**
 * Runs a claimed job to its end and records the end. Never throws for what the job did; a fenced attempt just stops. Throws
 * `data.*` when the database does not take what there is to record.
 */
export async function runJob(context: JobContext): Promise<EndedJob> {
  const { claimed, folder, logger } = context;
  const { job, token } = claimed;
  const log = await openJobLog({ file: folder.jobLog(job.id, token.attempt), secrets: [], onGrowth: context.onLog });
  const tests = createTestReport({
    listFile: folder.testList(job.id, token.attempt),
    summaryFile: folder.testSummary(job.id, token.attempt),
    newMasker: () => log.newMasker(),
  });
  const workFolder = folder.workOf(job.id, token.attempt);
  const tidy = () =>
    rm(workFolder, { recursive: true, force: true, maxRetries: 3 }).catch(caught =>
      logger.warn('work.not_removed', { workFolder, error: caught }),
    );
  try {
    const next = await runAttempt(context, { workFolder, log, tests });
    await tests.close();
    return { next, tidied: tidy() };
  } catch (error) {
    await tests.close();
    await tidy();
    throw error;
  } finally {
    context.onChanged();
  }
}

/** Returns the next job, which was claimed with the end of this one, or null. */
async function runAttempt(
  context: JobContext,
  { workFolder, log, tests }: Pick<AttemptRun, 'workFolder' | 'log'> & { readonly tests: TestReport },
): Promise<ClaimedJob | null> {
  const { db, claimed, folder, clock, logger, nextFor } = context;
  const { job, token } = claimed;
  try {
    await mkdir(workFolder, { recursive: true });
    if (job.repositoryId === drillRepositoryId) {
      const recorder = databaseRecorder(context);
      await runDrill({ ...context, log, workFolder, recorder, workerId: token.workerId });
      await log.close();
      return await endAttempt(db, claimed, { status: 'succeeded', error: null, now: clock() }, nextFor());
    }
    const repository = await findRepository(db, job.repositoryId);
    if (!repository) throw new DomainError('job.cancelled', 'Its repository was removed.');
    const run: AttemptRun = {
      ...context,
      log,
      tests,
      repository,
      workFolder,
      recorder: tellingRecorder(databaseRecorder(context), context.onWork),
      workerId: token.workerId,
      isolation: {
        defaults: await readBuildDefaults(db),
        repositoryChoice: repositoryChoice(repository),
        buildHome: folder.buildHome(repository.id),
        hidden: [folder.root],
        jobId: job.id,
        record: async used => {
          await recordIsolation(db, token, used);
          context.onChanged();
        },
      },
      wantsMd5: await isMd5Wanted(db),
      branch: repository.branch,
      changedPaths: () => changedSinceLastBuild(run),
    };
    const publish = await build(run, context);
    await log.note('Succeeded.');
    await log.close();
    return await endAttempt(db, claimed, { status: 'succeeded', error: null, now: clock(), publish }, nextFor());
  } catch (error) {
    const failure = failureOf(error, context.signal, folder.root);
    if (failure.code === 'job.fenced') {
      logger.warn('job.fenced', { jobId: job.id, attempt: token.attempt });
      return null;
    }
    if (isOfDatabase(error, failure)) {
      // Not the job's doing, and nothing can be recorded: the worker ends, and the supervisor gives the job back.
      logger.error('job.not_recorded', { jobId: job.id, attempt: token.attempt, error: failure });
      throw failure;
    }
    if (failure.code === 'internal') logger.error('job.failed_unexpectedly', { jobId: job.id, error });
    const status = failure.code === 'job.cancelled' ? 'cancelled' : 'failed';
    await log.problem(failure.message).catch(() => undefined);
    await log.close().catch(() => undefined);
    return await endAttempt(db, claimed, { status, error: failure, now: clock() }, nextFor());
  } finally {
    await log.close().catch(() => undefined);
  }
}

const restoreStep = { name: 'Restore caches', phase: 'cache' } as const;
const saveStep = { name: 'Save caches', phase: 'cache' } as const;

async function build(run: AttemptRun, context: JobContext): Promise<(transaction: Db) => Promise<void>> {
  const { store, recordBuild, masterKey } = context;
  const startedAtMs = run.clock();
  const deltas = (await findDeltaBases(run.db, run.repository.id)).length === 0 ? [] : [deltaStep];
  const tree = await planTree(run, {
    checkOut: target => checkOut(run, target),
    environment: plan => openEnvironment(run, plan, masterKey),
    around: plan => {
      const publish = { name: publishStep, phase: 'publish' } as const;
      const isCached = plan.caches.length > 0;
      return { before: isCached ? [restoreStep] : [], after: [publish, ...deltas, ...(isCached ? [saveStep] : [])] };
    },
  });
  const { plan, tools, environment, nextPosition } = tree;
  const treeId = await treeIdOf(run);
  const key = isReusable(plan) ? await resultKey(run, tree, { treeId, masterKey }) : null;
  const published = {
    plan,
    tools,
    isolation: tree.isolation.used,
    environmentNames: environmentNames(plan, environment),
    store,
    environmentDigests: environmentDigests(plan, environment, { repositoryId: run.repository.id, masterKey }),
    sbom: await listComponents(run, tree.source),
    recordBuild,
    startedAtMs,
    resultKey: key,
  };
  const reused = key !== null && wantsResult(run) ? await findReusable(run, key, store) : null;
  const firstPosition = nextPosition + (plan.caches.length > 0 ? 1 : 0);
  if (reused !== null) {
    const skipped = [
      ...(plan.caches.length > 0 ? [restoreStep.name] : []),
      ...plan.steps.map(step => step.name),
      packStep,
    ];
    await reuse(run, reused, skipped, nextPosition);
    const position = nextPosition + skipped.length;
    const publish = await publishReused(run, { ...published, reused, position });
    const more =
      deltas.length > 0 ? await makeDeltaPacks(run, { store, pack: reused.pack, position: position + 1 }) : null;
    if (plan.caches.length > 0) await leaveOut(run, saveStep.name, position + 1 + deltas.length, reused);
    return both(publish, more);
  }
  const caches =
    plan.caches.length === 0
      ? []
      : await restoreCaches(run, { plan, source: tree.project, treeId, position: nextPosition });
  const built = await runTree(run, tree, { firstPosition, variables: cacheVariables(caches) });
  const position = built.nextPosition;
  const publish = await publishArtifact(run, { ...published, artifact: built.artifact, position });
  const { pack } = built.artifact;
  const more = deltas.length > 0 ? await makeDeltaPacks(run, { store, pack, position: position + 1 }) : null;
  if (caches.length > 0) await saveCaches(run, { caches, position: position + 1 + deltas.length });
  return both(publish, more);
}

type Recording = (transaction: Db) => Promise<void>;

function both(first: Recording, second: Recording | null): Recording {
  return async transaction => {
    await first(transaction);
    await second?.(transaction);
  };
}

/** What the lock files of the sources name, read before a step can change them. */
async function listComponents(run: AttemptRun, source: string): Promise<Sbom> {
  const { claimed, repository } = run;
  const { files } = listTree(source);
  const sbom = await createSbom(
    { files, readText: (path, maxBytes) => readStart(source, path, maxBytes) },
    { name: repository.name, revision: claimed.job.revision },
  );
  for (const problem of sbom.problems) await run.log.note(`SBOM: ${problem}`);
  return sbom;
}

/** Says that nothing is run, and why, and records the steps as left out. */
async function reuse(run: AttemptRun, reused: ReusedResult, names: readonly string[], firstPosition: number) {
  const { jobNumber, stepsMs, build } = reused;
  await run.log.note(
    `The same sources, plan, environment and tools as job #${jobNumber}: its artifact ${build.artifactId.slice(0, 12)} is used, which saves ${(stepsMs / 1_000).toFixed(1)} s. "Build now" runs the steps all the same.`,
  );
  for (const [index, name] of names.entries()) await leaveOut(run, name, firstPosition + index, reused);
}

async function leaveOut(run: AttemptRun, name: string, position: number, { jobNumber }: ReusedResult): Promise<void> {
  await asStep(run, { position, name }, async () => ({
    result: undefined,
    detail: `same as job #${jobNumber}`,
    skipped: true,
  }));
}

/** The steps of an attempt in the database, under its fencing token; the engine hears of each change. */
function databaseRecorder({ db, claimed, onChanged }: JobContext): StepRecorder {
  const { token, job } = claimed;
  return {
    async add(steps, plan) {
      await addSteps(db, token, steps, plan);
      onChanged();
    },
    async record(position, change, event) {
      await recordStep(db, token, job.repositoryId, position, change, event);
      onChanged();
    },
    async progress(position, detail, event) {
      await recordStepProgress(db, token, job.repositoryId, position, detail, event);
      onChanged();
    },
  };
}

/** Whether the database itself did not take something; a checkout that cannot be written is an end that can be recorded. */
function isOfDatabase(error: unknown, failure: DomainError): boolean {
  return failure.code === 'data.busy' || (failure.code.startsWith('data.') && !(error instanceof DomainError));
}

function failureOf(error: unknown, signal: AbortSignal, root: string): DomainError {
  if (signal.aborted && signal.reason instanceof DomainError) return signal.reason;
  const known = databaseError(error, `the database in ${root}`);
  if (known instanceof DomainError) return known;
  if (['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(systemErrorCode(error) ?? '')) {
    return new DomainError(
      'store.full',
      `The disk of the data folder ${root} is full. Nothing was published; free some space, then retry.`,
      { folder: root },
      { cause: error },
    );
  }
  return new DomainError(
    'internal',
    `An unexpected error ended the job: ${messageOf(error)}. The engine's log has more.`,
  );
}

/** Azure alone keeps a blob's MD5 and nothing better; without it a pack there is proven by reading it back. */
async function isMd5Wanted(db: Db): Promise<boolean> {
  return (await listRegions(db)).some(({ storeUrl }) => locateStore(storeUrl).kind === 'azure');
}
