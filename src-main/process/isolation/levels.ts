/** Owns which levels of isolation work on this machine, found out by using them, and the words for one that does not. */
import { constants } from 'node:fs';
import { access, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { DomainError } from '../../contract/errors.ts';
import type { IsolationChoice, IsolationLevel } from '../../contract/isolation.ts';
import { runCommand } from '../run-command.ts';
import { bubblewrapArguments } from './bubblewrap.ts';
import { findHostFolders } from './host-folders.ts';

/** A sandbox starts in milliseconds; an engine that is starting up itself may need some seconds to say so. */
const probeTimeoutMs = 10_000;

/** A level that works, with what starts it; or why it does not. */
export type Probe = { readonly program: string; readonly isRootless: boolean } | { readonly reason: string };

const found = new Map<string, Promise<Probe>>();

/** Whether a level other than `none` works here. What works is looked for once; what does not, each time: it may be installed by now. */
export async function probeLevel(level: Exclude<IsolationLevel, 'none'>): Promise<Probe> {
  const known = found.get(level);
  if (known !== undefined) return known;
  const probing = level === 'bubblewrap' ? probeBubblewrap(true) : probeEngine(level);
  found.set(level, probing);
  if ('reason' in (await probing)) found.delete(level);
  return probing;
}

/** The path of a program, on PATH or where systems keep theirs. */
export async function findProgram(name: string): Promise<string | null> {
  const usual = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'];
  const suffix = process.platform === 'win32' ? '.exe' : '';
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...usual]) {
    const path = join(folder, `${name}${suffix}`);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && isThere) return path;
  }
  return null;
}

/** Runs `true` as a step would be run: user namespaces may be forbidden, and a container may allow none at all. */
async function probeBubblewrap(network: boolean): Promise<Probe> {
  if (process.platform !== 'linux') return { reason: 'it exists on Linux alone' };
  const program = await findProgram('bwrap');
  if (program === null) return { reason: 'bwrap is not installed' };
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-probe-'));
  try {
    const sandbox = { home: '/home/probe', buildHome: folder, tree: folder, temporary: folder, hidden: [], tools: [] };
    const place = { cwd: folder, caches: null };
    const args = bubblewrapArguments(
      { ...sandbox, ...place, network },
      await findHostFolders(),
      process.getuid?.() === 0,
    );
    const { exitCode, stderr } = await runCommand({
      command: program,
      args: [...args, '--', '/bin/sh', '-c', 'exit 0'],
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      timeoutMs: probeTimeoutMs,
    });
    if (exitCode === 0) return { program, isRootless: false };
    return { reason: `${program} does not work here: ${lastLine(stderr)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function probeEngine(engine: 'docker' | 'podman'): Promise<Probe> {
  const program = await findProgram(engine);
  if (program === null) return { reason: `${engine} is not installed` };
  const format = engine === 'docker' ? '{{.ServerVersion}} {{.SecurityOptions}}' : '{{.Host.Security.Rootless}}';
  const { exitCode, stdout, stderr } = await runCommand({
    command: program,
    args: ['info', '--format', format],
    cwd: '/',
    env: engineEnvironment(process.env),
    timeoutMs: probeTimeoutMs,
  });
  // Some versions of the client exit with 0 where no engine answers, and leave the version empty.
  const answer = stdout.toString('utf8').trim();
  if (exitCode !== 0 || answer === '' || (engine === 'docker' && !/^\d/.test(answer))) {
    return { reason: `${program} is installed, and its engine does not answer: ${lastLine(stderr)}` };
  }
  return { program, isRootless: engine === 'docker' && answer.includes('rootless') };
}

/** What is known of an engine that answers: it runs containers, or does not and why; null where it has no image to try with. */
export type EngineTrial = { readonly reason: string | null } | null;

/**
 * Starts a container of an image that is at hand, without a network. An engine that answers may not be able to: in a container of
 * its own, or where the kernel or a policy forbids it.
 */
export async function tryEngine(engine: 'docker' | 'podman', program: string): Promise<EngineTrial> {
  const call = (args: readonly string[]) =>
    runCommand({ command: program, args, cwd: '/', env: engineEnvironment(process.env), timeoutMs: probeTimeoutMs });
  const listed = await call(['images', '--quiet', '--no-trunc']);
  const [image] = listed.stdout.toString('utf8').trim().split('\n');
  if (listed.exitCode !== 0 || image === undefined || image === '') return null;
  const words = ['--rm', '--pull', 'never', '--network', 'none', '--entrypoint', '/bin/sh', image, '-c', 'exit 0'];
  const { exitCode, stderr } = await call(['run', ...words]);
  // 127: the container began, and the image has no shell. Source: docker-run(1), podman-run(1), "Exit Status".
  if (exitCode === 0 || exitCode === 127) return { reason: null };
  return { reason: `${engine} answers, and starts no container: ${lastLine(stderr)}` };
}

/** What the clients of docker and podman need of the host. Never a variable of the plan: one such as LD_PRELOAD would act outside. */
export function engineEnvironment(host: NodeJS.ProcessEnv): Record<string, string> {
  const isNeeded =
    /^(?:PATH|HOME|USER|TMPDIR|XDG_(?:RUNTIME_DIR|CONFIG_HOME|DATA_HOME)|DOCKER_(?:HOST|CONTEXT|CONFIG|CERT_PATH|TLS_VERIFY)|CONTAINER_HOST|CONTAINERS_\w+|DBUS_SESSION_BUS_ADDRESS|SystemRoot|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramData|ProgramFiles)$/i;
  return Object.fromEntries(
    Object.entries(host).flatMap(([name, value]) =>
      value !== undefined && isNeeded.test(name) ? [[name, value]] : [],
    ),
  );
}

function lastLine(output: Buffer): string {
  return output.toString('utf8').trim().split('\n').at(-1)?.trim().slice(0, 300) || 'it says nothing';
}

const installAdvice: Readonly<Record<Exclude<IsolationLevel, 'none'>, string>> = {
  bubblewrap:
    'install it with your package manager (apt install bubblewrap; dnf install bubblewrap; pacman -S bubblewrap) and allow user namespaces',
  docker: 'install Docker (https://docs.docker.com/engine/install/), start it, and let this user use it',
  podman: 'install it with your package manager (apt install podman; dnf install podman; brew install podman)',
};

export interface ResolvedLevel {
  readonly level: IsolationLevel;
  /** What starts it; null for `none`. */
  readonly program: string | null;
  readonly isRootless: boolean;
  /** Why `auto` came to `none`. */
  readonly reason: string | null;
}

/**
 * The level that `choice` comes to here. Throws `isolation.missing` for one that does not work, and where the network cannot be
 * taken away: there is never another in its place.
 */
export async function resolveLevel(choice: IsolationChoice, network: boolean): Promise<ResolvedLevel> {
  if (choice === 'none') {
    if (network) return { level: 'none', program: null, isRootless: false, reason: null };
    throw new DomainError(
      'isolation.missing',
      'slipway.yml asks for a build without network, and its level is none, which cannot take it away. Ask for bubblewrap, docker or podman beside it.',
    );
  }
  const level = choice === 'auto' ? 'bubblewrap' : choice;
  let probe = await probeLevel(level);
  if (level === 'bubblewrap' && !network && 'program' in probe) probe = await probeBubblewrap(false);
  if ('program' in probe) return { level, ...probe, reason: null };
  const { reason } = probe;
  if (choice === 'auto' && network) return { level: 'none', program: null, isRootless: false, reason };
  const what = choice === 'auto' ? 'A build without network' : `Isolation by ${level}`;
  throw new DomainError(
    'isolation.missing',
    `${what} was asked for, and cannot be had on this machine: ${reason.replace(/[.?!]$/, '')}. To have it, ${installAdvice[level]}; or ask for another level under "isolation" in slipway.yml.`,
    { level, reason },
  );
}
