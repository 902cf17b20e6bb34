/** Owns whether the build is older than its sources, and making it anew, once at a time. Imports nothing that needs a build. */
import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** What the build is made from, and what shows that it is whole: the first and the last thing that it writes. */
const sources = ['src-main', 'src-renderer', 'resources', 'electron.vite.config.ts', 'package-lock.json'];
const outputs = ['out/main/cli.js', 'out/renderer/index.html'];
const lookAgainMs = 200;

/** A failure with one line for a person. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}

/** The newest change below a path, in milliseconds; folders count, since a removed file shows only there. 0 where there is nothing. */
async function newestChange(path: string): Promise<number> {
  const own = await stat(path).catch(() => null);
  if (!own) return 0;
  if (!own.isDirectory()) return own.mtimeMs;
  const entries = await readdir(path, { withFileTypes: true });
  const below = await Promise.all(entries.map(entry => newestChange(join(path, entry.name))));
  return Math.max(own.mtimeMs, ...below);
}

/** True when a source is newer than the build, or the build is not whole. */
export async function isStale(root: string): Promise<boolean> {
  const built = await Promise.all(outputs.map(path => stat(join(root, path)).catch(() => null)));
  if (built.some(output => output === null)) return true;
  const oldest = Math.min(...built.map(output => output?.mtimeMs ?? 0));
  const changes = await Promise.all(sources.map(path => newestChange(join(root, path))));
  return Math.max(...changes) > oldest;
}

function runBuild(root: string, say: (line: string) => void): Promise<void> {
  const program = join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'build', '--logLevel', 'warn'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // The place in the source is above the stack, which is the bundler's own and helps nobody here.
    createInterface({ input: child.stderr }).on('line', line => {
      if (!/^\s+at /.test(line)) say(line);
    });
    child.once('error', error => reject(new StartFailure(`The build could not be started: ${error.message}.`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new StartFailure(`The build failed (${signal ?? `exit code ${code}`}); the lines above say why.`));
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user: alive all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Runs `work` while no other process does. A lock whose owner was killed is taken over. */
async function alone(lockFile: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const lock = await open(lockFile, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null;
      throw new StartFailure(`${lockFile} cannot be written (${error.code}). Check its owner and mode.`);
    });
    if (lock) {
      try {
        await lock.writeFile(String(process.pid));
        await work();
      } finally {
        await lock.close();
        await rm(lockFile, { force: true });
      }
      return;
    }
    const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''));
    const age = Date.now() - ((await stat(lockFile).catch(() => null))?.mtimeMs ?? Date.now());
    // An owner that has not yet written its number is a moment old at most.
    if (owner > 0 ? !isAlive(owner) : age > 5_000) await rm(lockFile, { force: true });
    else await delay(lookAgainMs);
  }
}

/**
 * Builds when the build is older than its sources; messages go to stderr. Safe to run in several processes at once.
 * Throws `StartFailure`.
 */
export async function buildIfStale(root: string, say: (line: string) => void): Promise<void> {
  if (!(await isStale(root))) return;
  await mkdir(join(root, 'out'), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new StartFailure(`${join(root, 'out')} cannot be written (${error.code}). Check its owner and mode.`);
  });
  await alone(join(root, 'out/build.lock'), async () => {
    if (!(await isStale(root))) return;
    say('Building Slipway …');
    const begunAt = new Date();
    await runBuild(root, say);
    // What changed while the build ran is newer than this, and so builds again next time.
    for (const path of outputs) await utimes(join(root, path), begunAt, begunAt);
  });
}
