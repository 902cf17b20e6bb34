/** Owns whether Electron's binary can be had and started here. Never loads the package, which would download by itself. */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { missingSandbox } from './choose-host.ts';

/** A person waits; with a normal line the 110 MB take a third of this. */
const downloadLimitMs = 60_000;
const probeLimitMs = 15_000;

export type ElectronBinary = { readonly path: string } | { readonly missing: string };

interface Outcome {
  readonly failed: boolean;
  readonly timedOut: boolean;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, limitMs: number): Promise<Outcome> {
  return new Promise(resolve => {
    execFile(program, [...args], { env, timeout: limitMs, killSignal: 'SIGKILL' }, (error, _stdout, stderr) => {
      const spawnFailure = error && typeof error.code === 'string' ? error.message : '';
      resolve({ failed: error !== null, timedOut: error?.killed === true, stderr: `${stderr}${spawnFailure}` });
    });
  });
}

/** The one line of an error output that says what happened, without stack and without the error's class. */
export function reasonIn(output: string): string {
  const lines = output
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(at |node:|[{}^])/.test(line));
  const told =
    lines.find(line => /error|ENOTFOUND|EAI_AGAIN|ECONN|status/i.test(line)) ?? lines[0] ?? 'no reason given';
  return told.replace(/^(\w*Error)(?: \[\w+\])?: /, '').slice(0, 160);
}

/** Electron's binary, where it is; null where it is not. Downloads nothing. */
export async function installedElectron(root: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const folder = join(root, 'node_modules/electron');
  const program = await readFile(join(folder, 'path.txt'), 'utf8').catch(() => null);
  if (program === null) return null;
  const path = join(env.ELECTRON_OVERRIDE_DIST_PATH || join(folder, 'dist'), program.trim());
  return (await stat(path).catch(() => null))?.isFile() ? path : null;
}

async function sandboxProblem(path: string | null): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const text = (file: string) => readFile(file, 'utf8').catch(() => null);
  const helper = path === null ? null : await stat(join(dirname(path), 'chrome-sandbox')).catch(() => null);
  return missingSandbox({
    isRoot: process.getuid?.() === 0,
    apparmorRestricts: await text('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    userNamespaces: await text('/proc/sys/kernel/unprivileged_userns_clone'),
    helperIsSetuid: helper !== null && helper.uid === 0 && (helper.mode & 0o4000) !== 0,
  });
}

/**
 * Electron's binary, downloaded by the package's own installer (checksums included) where it is missing, within 60 s.
 * Source: node_modules/electron/install.js
 */
export async function findElectron(
  root: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<ElectronBinary> {
  const before = await installedElectron(root, env);
  const sandbox = await sandboxProblem(before);
  if (sandbox !== null) return { missing: sandbox };
  if (before === null) {
    const installer = join(root, 'node_modules/electron/install.js');
    if (!(await stat(installer).catch(() => null))) return { missing: 'Electron is not installed' };
    say("Fetching Electron's binary, for at most a minute …");
    const fetched = await run(process.execPath, [installer], env, downloadLimitMs);
    if (fetched.timedOut) return { missing: "Electron's binary could not be downloaded within a minute" };
    if (fetched.failed) return { missing: `Electron's binary could not be downloaded (${reasonIn(fetched.stderr)})` };
  }
  const path = before ?? (await installedElectron(root, env));
  if (path === null) return { missing: "Electron's binary is missing after its download" };
  // As Node it needs no display, and still shows a missing library.
  const probe = await run(path, ['-e', '0'], { ...env, ELECTRON_RUN_AS_NODE: '1' }, probeLimitMs);
  return probe.failed ? { missing: `Electron's binary does not start here (${reasonIn(probe.stderr)})` } : { path };
}
