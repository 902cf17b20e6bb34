/** Owns one build without an engine: the phases of a job on a tree that a person named, in a folder that is gone afterwards. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError, messageOf } from '../contract/errors.ts';
import { buildDefaultsSchema } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import type { StepView } from '../contract/views/job.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { findGit } from '../sources/git-cli.ts';
import { createMirror } from '../sources/mirror.ts';
import { resolveRevision } from '../sources/resolve-revision.ts';
import { takeWorkingTree } from '../sources/working-tree.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { asStep, type BuildRun, type StepChange, type StepOutcome, type StepRecorder } from '../worker/attempt-run.ts';
import { type BuiltTree, planTree, runTree } from '../worker/build-tree.ts';
import type { RepositoryEnvironment } from '../worker/environment.ts';
import { type JobLog, openJobLog } from '../worker/job-log.ts';
import { preparationSteps } from '../worker/prepare.ts';

/** What is read of the log at once, to be shown. */
const shownBytes = 256 * 1024;

export interface LocalBuildOptions {
  /** An absolute path; with `revision` also a URL. */
  readonly path: string;
  /** A revision of the repository instead of the tree as it lies. */
  readonly revision: string | null;
  /** For steps that run on some branches; the tree's own where it is null. */
  readonly branch: string | null;
  /** A folder that is not part of the tree. */
  readonly leftOut: string | null;
  /** The data folder of an installation, which an isolated build must not see. */
  readonly dataFolder: string;
  readonly signal: AbortSignal;
  /** Whole lines, masked, with their colours. */
  /** How far a step is, in a line without its end; now and then. */
  readonly onProgress?: (line: string) => void;
  readonly onLog: (lines: Uint8Array) => void;
}

export type LocalStep = Pick<StepView, 'name' | 'phase' | 'status' | 'exitCode' | 'detail'> & {
  readonly durationMs: number | null;
};

export interface LocalBuild extends BuiltTree {
  readonly steps: readonly LocalStep[];
  /** Null for a tree that belongs to no commit. */
  readonly revision: string | null;
  readonly branch: string | null;
  /** Whether the tree is exactly the revision; null where that is not known. */
  readonly isClean: boolean | null;
  readonly logFile: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/**
 * Builds, and gives what was built to `keep` while its files are there; whatever the end, nothing is left in the temporary folder.
 * The log is live. Throws what the phases of a job throw, and `job.cancelled` when the signal says so.
 */
export async function buildLocally<Kept>(
  options: LocalBuildOptions,
  keep: (build: LocalBuild) => Promise<Kept>,
): Promise<Kept> {
  // A temporary folder may be a link (macOS), and tools write the real path into what they make.
  const workFolder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-build-'));
  const clock: Clock = systemClock;
  const startedAtMs = clock();
  const logFile = join(workFolder, 'build.log');
  let live: ReturnType<typeof liveLog> | null = null;
  const log = await openJobLog({ file: logFile, secrets: [], onGrowth: () => live?.show() });
  live = liveLog(log, options.onLog);
  try {
    const memory = rememberSteps(options.onProgress);
    const workerId = randomUUID();
    let facts: TreeFacts = { revision: null, branch: null, isClean: null };
    const run: BuildRun = {
      recorder: memory.recorder,
      workFolder,
      log,
      tests: null,
      signal: options.signal,
      clock,
      workerId,
      isolation: {
        defaults: buildDefaultsSchema.parse({}),
        // Whoever runs the command is the person who decides, and the file in the tree is theirs.
        repositoryChoice: null,
        buildHome: join(workFolder, 'home'),
        hidden: [options.dataFolder],
        jobId: workerId,
        record: async () => undefined,
      },
      get branch() {
        return options.branch ?? facts.branch;
      },
      // Nothing is known of an earlier build: every step that looks at paths runs.
      changedPaths: async () => null,
    };
    // Caches belong to an installation. A build without one takes what the tools of the account have kept themselves.
    const tree = await planTree(run, {
      checkOut: async target => {
        facts = await asStep(run, preparationSteps[0], () => checkOutLocally(options, target, workFolder));
      },
      environment: plan => callersSecrets(plan, log),
    });
    const built = await runTree(run, tree, { firstPosition: tree.nextPosition, variables: {} });
    await log.note(`Succeeded: artifact ${built.artifact.tree.artifactId}.`);
    await live.end();
    await log.close();
    const times = { startedAtMs, finishedAtMs: clock() };
    return await keep({ ...built, ...facts, ...times, branch: run.branch, logFile, steps: memory.steps() });
  } catch (error) {
    const reason: unknown = options.signal.aborted ? options.signal.reason : error;
    await log.problem(messageOf(reason)).catch(() => undefined);
    await live.end().catch(() => undefined);
    throw reason;
  } finally {
    await log.close().catch(() => undefined);
    await rm(workFolder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Without an engine there is no secret store: the values come from whoever runs the command. Throws `secret.missing`. */
async function callersSecrets(plan: Plan, log: JobLog): Promise<RepositoryEnvironment> {
  const missing = plan.secrets.filter(name => (process.env[name] ?? '') === '');
  if (missing.length > 0) {
    throw new DomainError(
      'secret.missing',
      `The plan needs the secrets ${missing.join(', ')}, which are not set here. Give them in the environment of this command.`,
      { missing },
    );
  }
  const secrets = Object.fromEntries(plan.secrets.map(name => [name, process.env[name] ?? '']));
  await log.mask(Object.values(secrets));
  return { variables: {}, secrets };
}

/** What the tree turned out to be. */
interface TreeFacts {
  readonly revision: string | null;
  readonly branch: string | null;
  readonly isClean: boolean | null;
}

/** Puts the files in place: of a revision through a mirror, as a worker does, else of the tree as it lies. */
async function checkOutLocally(
  options: LocalBuildOptions,
  target: string,
  workFolder: string,
): Promise<StepOutcome<TreeFacts>> {
  const { path, signal, leftOut } = options;
  const gitPath = await findGit();
  if (options.revision !== null) {
    const { revision, branch } = await resolveRevision(path, options.revision);
    const mirror = createMirror({ folder: join(workFolder, 'mirror.git'), url: path, gitPath, logger: silentLogger });
    await mirror.fetch({ branch, revision, pinRef: `refs/slipway/${revision}`, signal });
    const { via } = await mirror.checkout({ revision, targetFolder: target, signal });
    return {
      result: { revision, branch, isClean: true },
      detail: `${revision.slice(0, 10)} by ${via}, ${await entriesAt(target)}`,
    };
  }
  const { via, ...facts } = await takeWorkingTree({ path, targetFolder: target, gitPath, leftOut, signal });
  const what =
    facts.revision === null
      ? via === 'copy'
        ? 'every file of the folder, which is not the root of a Git repository'
        : 'the tree as it lies, without a commit yet'
      : `${facts.revision.slice(0, 10)}${facts.isClean === false ? ' with what is not committed yet' : ''}`;
  return { result: facts, detail: `${what}, ${await entriesAt(target)}` };
}

/** The steps of a build in memory, in the words of a job's steps. */
function rememberSteps(onProgress: LocalBuildOptions['onProgress']) {
  const steps: { position: number; name: string; phase: StepView['phase']; change: StepChange }[] = [];
  const recorder: StepRecorder = {
    async add(added) {
      for (const { position, name, phase } of added)
        steps.push({ position, name, phase, change: { status: 'pending' } });
    },
    async record(position, change) {
      const step = steps.find(candidate => candidate.position === position);
      if (step !== undefined) step.change = { ...step.change, ...change };
    },
    progress: async (_, detail, { name }) => onProgress?.(`${name}: ${detail}`),
  };
  return {
    recorder,
    steps: (): LocalStep[] =>
      steps.map(({ name, phase, change }) => ({
        name,
        phase,
        status: change.status ?? 'pending',
        exitCode: change.exitCode ?? null,
        detail: change.detail ?? null,
        durationMs: change.startedAt && change.finishedAt ? change.finishedAt - change.startedAt : null,
      })),
  };
}

/** Shows a log as it grows, line by line, each byte once and in order. */
function liveLog(log: JobLog, onLog: LocalBuildOptions['onLog']) {
  let offset = 0;
  let showing: Promise<void> = Promise.resolve();
  const pump = async (isEnd: boolean) => {
    for (;;) {
      const bytes = await log.read(offset, shownBytes);
      // A part of a line waits for the rest; one longer than all that is read at once does not.
      const isWhole = isEnd || bytes.length === shownBytes;
      const lines = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1 || (isWhole ? bytes.length : 0));
      if (lines.length === 0) return;
      offset += lines.length;
      onLog(lines);
    }
  };
  return {
    show: () => {
      showing = showing.then(() => pump(false)).catch(() => undefined);
    },
    async end() {
      await showing;
      await pump(true);
    },
  };
}

async function entriesAt(folder: string): Promise<string> {
  const { length } = await readdir(folder);
  return `${length} ${length === 1 ? 'entry' : 'entries'} at the top`;
}
