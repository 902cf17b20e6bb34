/** Owns the isolation of one build: the level and the limits that it gets, said before anything runs, and its steps run under them. */
import { realpath, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { BuildLimits, IsolationUsed } from '../contract/isolation.ts';
import { describeIsolation } from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import { formatSize } from '../domain/format-size.ts';
import { bubblewrapArguments } from '../process/isolation/bubblewrap.ts';
import { containerArguments, environmentScript } from '../process/isolation/container.ts';
import { removeContainer } from '../process/isolation/containers.ts';
import { findHostFolders, findToolFolders, type HostFolders, isWithin } from '../process/isolation/host-folders.ts';
import { engineEnvironment, findProgram, type ResolvedLevel, resolveLevel } from '../process/isolation/levels.ts';
import { pinWords } from '../process/isolation/processors.ts';
import { assertFreeSpace, excessOfFiles, type StepLimits, watchLimits } from '../process/isolation/step-limits.ts';
import { runStep, type StepOptions, type StepResult } from '../process/run-step.ts';
import { shellWords } from '../process/step-program.ts';
import { takeHome } from '../queue/build-homes.ts';
import type { BuildRun } from './attempt-run.ts';
import { chooseIsolation, chooseLimits } from './choose-isolation.ts';

export interface BuildIsolation {
  readonly used: IsolationUsed;
  /** Runs one step in the tree of `place`, to an end that leaves nothing of it behind. Throws what `runStep` throws. */
  run(step: StepWords, place: StepPlace): Promise<StepResult>;
}

type StepWords = Omit<StepOptions, 'program' | 'watch' | 'cwd'>;

export interface StepPlace {
  /** The checkout. */
  readonly tree: string;
  /** In it. */
  readonly cwd: string;
  /** Where tools keep what is cached, if they do. */
  readonly caches: string;
  readonly temporary: string;
  readonly toolPaths: readonly string[];
  /** The names that a container gets, where the rest of the host's environment means nothing. */
  readonly ownVariables: readonly string[];
}

/** Level and limits of the plan. Throws `isolation.missing`, `isolation.refused`, `isolation.limit_unsupported`, `step.disk`. */
export async function isolateBuild(run: BuildRun, plan: Plan): Promise<BuildIsolation> {
  const { defaults, repositoryChoice, record } = run.isolation;
  const request = chooseIsolation(plan.isolation, { repository: repositoryChoice, installation: defaults.isolation });
  const resolved = await resolveLevel(request.level, request.network);
  const { level } = resolved;
  const isContainer = level === 'docker' || level === 'podman';
  const taskset = process.platform === 'linux' && !isContainer ? await findProgram('taskset') : null;
  const limits = chooseLimits(plan, defaults, level, taskset !== null);
  const { image, network } = request;
  const used: IsolationUsed = { level, image: isContainer ? image : null, network, limits };
  await run.log.note(`isolation: ${describeIsolation(used)}${resolved.reason === null ? '' : ` (${resolved.reason})`}`);
  await run.log.note(`limits: ${describeLimits(limits, defaults.keepFreeBytes, isContainer)}`);
  await record(used);
  await assertFreeSpace(run.workFolder, defaults.keepFreeBytes);
  const context: Context = { run, used, resolved, taskset, host: await findHostFolders() };
  const watched: StepLimits = {
    ...(isContainer ? {} : limits),
    ...(limits.diskBytes === undefined ? {} : { diskBytes: limits.diskBytes }),
    keepFreeBytes: defaults.keepFreeBytes,
    folder: run.workFolder,
  };
  return {
    used,
    async run(step, place) {
      const { options, end } = await underLevel(context, step, place);
      try {
        const result = await runStep({ ...options, watch: (tree, until) => watchLimits(watched, tree, until) });
        // A step that was quick may have written much between two looks.
        const excess = result.exitCode === 0 ? await excessOfFiles(watched, step.signal) : null;
        return excess === null ? result : { ...result, outcome: 'exceeded', excess };
      } finally {
        await end();
      }
    },
  };
}

function describeLimits(limits: BuildLimits, keepFreeBytes: number, isContainer: boolean): string {
  const { memoryBytes, processes, cpus, diskBytes } = limits;
  const parts = [
    ...(memoryBytes === undefined ? [] : [`memory ${formatSize(memoryBytes)}`]),
    ...(processes === undefined ? [] : [`${processes} processes`]),
    ...(cpus === undefined ? [] : [`${cpus} ${cpus === 1 ? 'processor' : 'processors'}`]),
    ...(diskBytes === undefined ? [] : [`disk ${formatSize(diskBytes)}`]),
    `${formatSize(keepFreeBytes)} of the disk stay free`,
  ];
  return `${parts.join(', ')}; ${isContainer ? 'held by the container engine' : 'watched twice a second'}, at low priority`;
}

interface Context {
  readonly run: BuildRun;
  readonly used: IsolationUsed;
  readonly resolved: ResolvedLevel;
  readonly taskset: string | null;
  readonly host: HostFolders;
}

interface Prepared {
  readonly options: StepOptions;
  readonly end: () => Promise<void>;
}

const nothingToEnd = async () => undefined;

async function underLevel(context: Context, step: StepWords, place: StepPlace): Promise<Prepared> {
  const { resolved, taskset, used } = context;
  const options = { ...step, cwd: place.cwd };
  const pin = taskset === null || used.limits.cpus === undefined ? [] : pinWords(taskset, used.limits.cpus);
  if (resolved.level === 'docker' || resolved.level === 'podman') {
    return inContainer(context, resolved.level, options, place);
  }
  if (resolved.level === 'bubblewrap' && resolved.program !== null) {
    return inSandbox(context, [...pin, resolved.program], options, place);
  }
  const [file, ...args] = pin;
  if (file === undefined) return { options, end: nothingToEnd };
  const words = [...args, ...shellWords(step.commandLine)];
  return { options: { ...options, program: env => ({ file, args: words, env, isOutside: false }) }, end: nothingToEnd };
}

/** Variables that name a tool's folder or certificates; what they name is shown inside as it is. */
const namingVariables = ['JAVA_HOME', 'GOROOT', 'RUSTUP_HOME', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_DIR', 'SSL_CERT_FILE'];
/** Caches outside the home folder cannot be written inside, and tools know what to do without the variable. */
const cacheFolders = ['CARGO_HOME', 'GOCACHE', 'GOMODCACHE', 'GOPATH', 'XDG_CACHE_HOME'];

async function inSandbox(
  { run, used, host }: Context,
  [file = '', ...before]: readonly string[],
  options: StepOptions,
  place: StepPlace,
): Promise<Prepared> {
  const { buildHome, hidden } = run.isolation;
  await takeHome(buildHome);
  const home = await homeInside(options.env.HOME);
  const env: NodeJS.ProcessEnv = { ...options.env, HOME: home, TMPDIR: '/tmp', TEMP: '/tmp', TMP: '/tmp' };
  for (const name of cacheFolders) {
    const value = env[name];
    if (value !== undefined && value === process.env[name] && !isWithin(value, home)) Reflect.deleteProperty(env, name);
  }
  const closedFolders = [...new Set([...hidden, ...(await Promise.all(hidden.map(resolvedPath)))])];
  const tools = await findToolFolders({
    home,
    searchPath: env.PATH ?? '',
    toolPaths: place.toolPaths,
    named: namingVariables.flatMap(name => (env[name] === process.env[name] ? (env[name] ?? []) : [])),
    closed: [...closedFolders, home, place.tree, run.workFolder],
  });
  const { tree, cwd, temporary } = place;
  const caches = await existing(place.caches);
  const { network } = used;
  const sandbox = { home, buildHome, tree, temporary, caches, cwd, hidden: closedFolders, tools, network };
  const words = bubblewrapArguments(sandbox, host, process.getuid?.() === 0);
  return {
    options: {
      ...options,
      program: tracked => {
        const inside = { ...env, ...trackingOf(tracked) };
        const setting = Object.entries(inside).flatMap(([name, value]) =>
          value === undefined ? [] : ['--setenv', name, value],
        );
        return {
          file,
          // By descriptor: on the command line everyone could read the secrets, and in bwrap's own environment a variable
          // such as LD_PRELOAD would act before anything is isolated.
          args: [...before, '--args', '3', '--', ...shellWords(options.commandLine)],
          input: Buffer.from([...words, '--clearenv', ...setting].map(word => `${word}\0`).join('')),
          env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...trackingOf(tracked) },
          isOutside: true,
        };
      },
    },
    end: nothingToEnd,
  };
}

/** The variables by which processes are found, and no other of the step's. */
function trackingOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^SLIPWAY(?:_|$)/.test(name)));
}

const existing = (path: string) =>
  stat(path).then(
    () => path,
    () => null,
  );

const resolvedPath = (path: string) => realpath(path).catch(() => path);

/** The home folder keeps its name inside; an account without one gets one. */
async function homeInside(home: string | undefined): Promise<string> {
  const isUsual =
    home !== undefined && isAbsolute(home) && home !== '/' && (await stat(home).catch(() => null)) !== null;
  return isUsual ? home : '/home/build';
}

let containers = 0;

async function inContainer(
  { run, used, resolved }: Context,
  engine: 'docker' | 'podman',
  options: StepOptions,
  place: StepPlace,
): Promise<Prepared> {
  const { buildHome, jobId } = run.isolation;
  await takeHome(buildHome);
  containers += 1;
  const program = resolved.program ?? engine;
  const name = `slipway-${run.workerId}-${containers}`;
  const file = join(run.workFolder, `environment-${containers}`);
  const own = Object.fromEntries(
    place.ownVariables.flatMap(variable => {
      const value = options.env[variable];
      return value === undefined ? [] : [[variable, value]];
    }),
  );
  await writeFile(file, environmentScript(own), { mode: 0o600, flag: 'wx' });
  const { uid, gid } = { uid: process.getuid?.(), gid: process.getgid?.() };
  const isMapped = process.platform === 'linux' && !resolved.isRootless && uid !== undefined && gid !== undefined;
  const args = containerArguments({
    engine,
    image: used.image ?? '',
    name,
    jobId,
    commandLine: options.commandLine,
    tree: place.tree,
    cwd: place.cwd,
    caches: await existing(place.caches),
    buildHome,
    environmentFile: file,
    network: used.network,
    limits: used.limits,
    user: isMapped ? { uid, gid } : null,
  });
  const engineEnv = engineEnvironment(process.env);
  return {
    options: {
      ...options,
      program: tracked => ({ file: program, args, env: { ...trackingOf(tracked), ...engineEnv }, isOutside: false }),
    },
    // Its client may be gone while it runs: the container is what has to end.
    end: () => removeContainer(program, name),
  };
}
