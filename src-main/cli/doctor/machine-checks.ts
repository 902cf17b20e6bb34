/** Owns the checks of the machine: Node, git, tools, isolation, data folder and space, keys, clock. Needs no engine and no database. */
import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DomainError, systemErrorCode } from '../../contract/errors.ts';
import type { BuildDefaults } from '../../contract/isolation.ts';
import type { ToolRequirement } from '../../contract/plan.ts';
import type { DataFolder } from '../../domain/data-folder.ts';
import { formatSize } from '../../domain/format-size.ts';
import { probeLevel } from '../../process/isolation/levels.ts';
import { runCommand } from '../../process/run-command.ts';
import { findGit } from '../../sources/git-cli.ts';
import { resolveTools } from '../../toolchains/resolve-tools.ts';
import { broken, type Check, ok, warning } from './check.ts';

/** Of the whole stack. Source: the `engines` of better-sqlite3 13 and webtorrent 3. */
const oldestNode = 22;
/** The first with `--end-of-options` in every verb that is used. */
const oldestGit = [2, 39] as const;
const gitTimeoutMs = 10_000;
/** Clocks that were set drift by seconds; more means that one of two times is wrong. */
const clockSlackMs = 60_000;
/** Older than the first version of Slipway. */
const firstDayMs = Date.UTC(2026, 0, 1);

export function checkNode(version = process.versions.node): Check {
  if (Number(version.split('.')[0]) >= oldestNode) return ok('Node', version);
  return broken('Node', version, `Install Node ${oldestNode} or newer, or start Slipway with "npm start".`);
}

export async function checkGit(): Promise<Check> {
  const git = await findGit();
  if (git === null) {
    return warning(
      'git',
      'not found; a slower way of our own is used',
      'Install git (apt install git; brew install git; winget install Git.Git).',
    );
  }
  const run = {
    command: git,
    args: ['--version'],
    cwd: tmpdir(),
    env: { PATH: process.env.PATH },
    timeoutMs: gitTimeoutMs,
  };
  const { exitCode, stdout } = await runCommand(run);
  const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout.toString('utf8')) ?? [];
  if (exitCode !== 0 || major === undefined) return broken('git', `${git} does not run`, 'Install it again.');
  const text = `${stdout
    .toString('utf8')
    .trim()
    .replace(/^git version /, '')} at ${git}`;
  const isOld = Number(major) < oldestGit[0] || (Number(major) === oldestGit[0] && Number(minor) < oldestGit[1]);
  return isOld ? warning('git', text, `Install git ${oldestGit.join('.')} or newer.`) : ok('git', text);
}

/** The tools that the last plans of the repositories need. */
export async function checkTools(requirements: readonly ToolRequirement[]): Promise<Check> {
  if (requirements.length === 0) return ok('Tools', 'no plan needs any yet');
  try {
    const { tools } = await resolveTools(requirements, process.env.PATH ?? '');
    return ok('Tools', tools.map(({ name, version }) => `${name} ${version}`).join(', '));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return broken('Tools', 'the last plans need tools that are not here', error.message);
  }
}

export async function checkIsolation(defaults: Pick<BuildDefaults, 'isolation'>): Promise<Check> {
  const probe = await probeLevel('bubblewrap');
  if ('program' in probe) return ok('Isolation', `bubblewrap at ${probe.program}`);
  const advice = 'Install bubblewrap and allow user namespaces, or ask for docker or podman in slipway.yml.';
  if (defaults.isolation === 'bubblewrap') {
    return broken('Isolation', `bubblewrap is asked for, and ${probe.reason}`, advice);
  }
  return warning('Isolation', `builds can act as you: ${probe.reason}`, advice);
}

/** Whether the folder can be written, and has space for builds: `keepFreeBytes` is what no build may touch. */
export async function checkFolder(folder: DataFolder, keepFreeBytes: number): Promise<readonly Check[]> {
  const probe = `${folder.root}/.doctor-${randomUUID()}`;
  try {
    await writeFile(probe, 'x', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return [ok('Data folder', `${folder.root} is made by the first "slipway serve"`)];
    const advice =
      code === 'ENOSPC' ? 'Free some space.' : 'Check its owner and mode, or choose another folder with --data.';
    return [broken('Data folder', `${folder.root} cannot be written (${code ?? 'unknown error'})`, advice)];
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
  const { bavail, bsize } = await statfs(folder.root);
  const freeBytes = bavail * bsize;
  const free = `${formatSize(freeBytes)} free`;
  const space =
    freeBytes < keepFreeBytes
      ? broken('Disk space', free, `No build starts with less than ${formatSize(keepFreeBytes)} free. Free some space.`)
      : freeBytes < 5 * keepFreeBytes
        ? warning('Disk space', free, `Builds end before less than ${formatSize(keepFreeBytes)} is free.`)
        : ok('Disk space', free);
  return [ok('Data folder', `${folder.root} can be written`), space];
}

/** Keys and tokens that another user of the machine could read or replace. */
export async function checkKeys(folder: DataFolder): Promise<Check> {
  if (process.platform === 'win32') return ok('Keys', 'held by the rights of the data folder');
  const names = await readdir(folder.keys).catch(() => []);
  const paths = [folder.root, folder.keys, ...names.map(name => `${folder.keys}/${name}`), folder.hostFile];
  const wrong: string[] = [];
  for (const path of paths) {
    const stats = await lstat(path).catch(() => null);
    if (stats === null) continue;
    // Of the folder itself, only that no other may write: what must be private in it has a mode of its own.
    const forbidden = path === folder.root ? 0o022 : 0o077;
    const isForeign = process.getuid !== undefined && stats.uid !== process.getuid();
    if ((stats.mode & forbidden) !== 0 || isForeign || stats.isSymbolicLink()) wrong.push(path);
  }
  if (wrong.length === 0) {
    return ok('Keys', names.length === 0 ? 'none yet' : `${names.length} files that only this user can read`);
  }
  return broken(
    'Keys',
    `others can read or replace ${wrong.join(', ')}`,
    `Run: chmod -R go-rwx ${wrong.map(path => `'${path}'`).join(' ')} (and chown, where another user owns them)`,
  );
}

/** `newestEventAt`: UTC milliseconds of the newest thing that was recorded; null where nothing was. */
export function checkClock(now: number, newestEventAt: number | null): Check {
  const advice = 'Set the clock, or turn on time synchronisation.';
  const shown = new Date(now).toISOString();
  if (now < firstDayMs) return broken('Clock', `it says ${shown}`, advice);
  if (newestEventAt !== null && newestEventAt - now > clockSlackMs) {
    const seconds = Math.round((newestEventAt - now) / 1_000);
    return broken('Clock', `it says ${shown}, ${seconds} s before the newest event that was recorded`, advice);
  }
  return ok('Clock', shown);
}
