/** Owns builds with the tools of this machine: pushed as a commit, built by a worker, unpacked from the main store, and run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { access, constants, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { decodeFileList } from '../../src-main/artifacts/file-list.ts';
import { unpackPack } from '../../src-main/artifacts/unpack.ts';
import { storeKeys } from '../../src-main/contract/documents.ts';
import { type Plan, planSchema } from '../../src-main/contract/plan.ts';
import { putVariable } from '../../src-main/database/build-environment.ts';
import { findBuildOfJob } from '../../src-main/database/builds.ts';
import { startBuilds } from './builds.ts';
import type { OnEnd } from './scratch-folder.ts';

const run = promisify(execFile);

/** Ends a build that hangs. A compiler that has never run here compiles its own library first. */
export const realBuildMs = 240_000;

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(
    folders.map(folder =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Whether these programs are here, and the machine is one that the programs of these tests are written for. */
export async function has(...programs: readonly string[]): Promise<boolean> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  return (await Promise.all(programs.map(isInstalled))).every(Boolean);
}

export interface Release {
  readonly folder: string;
  readonly plan: Plan;
  readonly log: string;
  /** A program of the release with nothing on its standard input; also where it ends with another code than 0. */
  run(program: string, ...args: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string }>;
}

interface Pushed {
  readonly files: Readonly<Record<string, string>>;
  readonly binaries?: Readonly<Record<string, Uint8Array>>;
  readonly variables?: Readonly<Record<string, string>>;
}

/** An installation with one worker; what it gives builds a commit and unpacks what an agent would run. */
export async function startRealBuilds(onEnd: OnEnd) {
  const builds = await startBuilds({ onEnd });
  return async ({ files, binaries = {}, variables = {} }: Pushed): Promise<Release> => {
    const repository = await builds.createRepository();
    for (const [name, value] of Object.entries(variables)) {
      await putVariable(builds.db, { repositoryId: repository.id, name, value, setAt: 1 });
    }
    for (const [name, bytes] of Object.entries(binaries)) await writeFile(join(repository.source, name), bytes);
    const job = await builds.ended((await repository.push(files)).id, realBuildMs);
    const log = await builds.log(job);
    const build = await findBuildOfJob(builds.db, job.id);
    if (build === null) throw new Error(`the job is ${job.status}:\n${log}`);
    const folder = join(builds.root, 'releases', build.id);
    const stored = (key: string) => join(builds.folder.mainStore, key);
    await unpackPack({
      packFile: stored(storeKeys.pack(build.packDigest)),
      entries: decodeFileList(await readFile(stored(storeKeys.fileList(build.artifactId))), build.artifactId),
      targetDir: folder,
    });
    return {
      folder,
      plan: planSchema.parse(JSON.parse(job.plan ?? 'null')),
      log,
      run: (program, ...args) =>
        run(join(folder, program), args, { cwd: folder }).then(
          ({ stdout }) => ({ exitCode: 0, stdout }),
          (error: { code?: unknown; stdout?: unknown }) => {
            if (typeof error.code !== 'number') throw error;
            return { exitCode: error.code, stdout: String(error.stdout) };
          },
        ),
    };
  };
}

/** A command line of the plan in the release's folder, as an agent runs it. Throws where it fails. */
export async function runLine(
  release: Release,
  commandLine: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return (await run('/bin/sh', ['-c', commandLine], { cwd: release.folder, env: { ...process.env, ...env } })).stdout;
}

/** Starts the plan's start command on a free port of loopback, which it says on its first line; asks it for `path`; ends it. */
export async function answerOf(
  { folder, plan }: Release,
  path: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const child = spawn('/bin/sh', ['-c', plan.start ?? 'false'], {
    cwd: folder,
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  try {
    const response = await fetch(`http://127.0.0.1:${await portSaid(child)}${path}`);
    return { status: response.status, text: await response.text() };
  } finally {
    // The shell may have a child of its own: both are in the group.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await closed;
  }
}

async function portSaid(child: ChildProcess): Promise<string> {
  if (child.stdout === null || child.stderr === null) throw new Error('the program has no output');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    errors += text;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /\bport (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error(`the program ended without naming its port: ${errors}`);
}
