/** Owns the command lines of docker and podman for one step. No value of a variable ever stands on one. Starts nothing. */

export type ContainerEngine = 'docker' | 'podman';

/** By which containers of a job are found when whoever started them is gone. */
export const jobLabel = 'slipway.job';
const environmentFile = '/slipway-environment';
const containerHome = '/slipway-home';

export interface ContainerStep {
  readonly engine: ContainerEngine;
  readonly image: string;
  /** Unique on this machine; the container is removed by it. */
  readonly name: string;
  readonly jobId: string;
  readonly commandLine: string;
  /** The checkout: at the same place inside, so that what tools write down stays true. */
  readonly tree: string;
  readonly caches: string | null;
  /** Where the step begins. */
  readonly cwd: string;
  readonly buildHome: string;
  /** What `environmentScript` made, in a 0600 file of the build's own folder. */
  readonly environmentFile: string;
  readonly network: boolean;
  readonly limits: { readonly memoryBytes?: number; readonly cpus?: number; readonly processes?: number };
  /** Whose files the step makes: null where the engine itself decides (rootless Docker, Docker Desktop). */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** One `--mount` value is a line of CSV, so a comma or a quote in a path needs quotes. Source: docs.docker.com, bind mounts. */
function mount(source: string, target: string, isReadOnly = false): string[] {
  const fields = ['type=bind', `source=${source}`, `target=${target}`, ...(isReadOnly ? ['readonly'] : [])];
  const quoted = fields.map(field => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field));
  return ['--mount', quoted.join(',')];
}

/** `run` and its arguments. The step's shell comes from the image; an init reaps and forwards signals. */
export function containerArguments(step: ContainerStep): string[] {
  const { engine, user, limits } = step;
  // Rootless podman maps the caller to root inside; kept, the files of the tree belong to the caller on both sides.
  const mapping =
    user === null
      ? []
      : engine === 'podman' && user.uid !== 0
        ? ['--userns', 'keep-id']
        : ['--user', `${user.uid}:${user.gid}`];
  return [
    ...['run', '--rm', '--init', '--name', step.name, '--label', `${jobLabel}=${step.jobId}`],
    ...mapping,
    ...['--security-opt', 'no-new-privileges', '--security-opt', 'label=disable'],
    ...(step.network ? [] : ['--network', 'none']),
    ...(limits.memoryBytes === undefined ? [] : ['--memory', String(limits.memoryBytes)]),
    ...(limits.cpus === undefined ? [] : ['--cpus', String(limits.cpus)]),
    ...(limits.processes === undefined ? [] : ['--pids-limit', String(limits.processes)]),
    ...mount(step.tree, step.tree),
    ...(step.caches === null ? [] : mount(step.caches, step.caches)),
    ...mount(step.buildHome, containerHome),
    ...mount(step.environmentFile, environmentFile, true),
    ...['--workdir', step.cwd, '--entrypoint', '/bin/sh', step.image],
    ...['-c', `. ${environmentFile}; exec /bin/sh -e -c "$1"`, 'sh', step.commandLine],
  ];
}

/**
 * A shell script that sets the variables, whatever is in them: `--env-file` knows no line feeds, and on the command line
 * everyone on the machine could read them.
 */
export function environmentScript(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ HOME: containerHome, ...environment })
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  return lines.join('');
}
