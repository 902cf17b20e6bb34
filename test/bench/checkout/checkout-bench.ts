/** Owns the bench of checkouts: a large repository over loopback HTTP, the first time and for one new commit, beside `git clone --depth 1`. */
import { spawn } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { git, startGitServer, type TestRepository } from '../../support/git-server.ts';
import { type Bench, inFolder, minRuns, rowOf, runProgram } from '../bench.ts';

interface Size {
  readonly commits: number;
  readonly files: number;
  readonly runs: number;
}

const full: Size = { commits: 10_000, files: 5_000, runs: minRuns };
const quick: Size = { commits: 1_000, files: 5_000, runs: minRuns };
const filesPerFolder = 50;

/** Lines of source-like text, other in each file and version: what neither compresses to nothing nor not at all. */
function textOf(file: number, version: number): string {
  const lines: string[] = [];
  for (let line = 0; line < 40; line++) {
    const seed = Math.imul(file * 7919 + line * 104_729 + (line === version % 40 ? version : 0), 2_654_435_761) >>> 0;
    lines.push(`export const value${line} = compute('${seed.toString(36)}', ${seed % 1_000}); // ${file}`);
  }
  return `${lines.join('\n')}\n`;
}

const pathOf = (file: number) => `src/part-${Math.floor(file / filesPerFolder)}/file-${file}.ts`;

/** A history in git's own format for imports, each commit with one changed file. Source: git-fast-import(1). */
function* history({ commits, files }: Size): Generator<string> {
  for (let commit = 0; commit < commits; commit++) {
    const message = `Commit ${commit}`;
    yield `commit refs/heads/main\ncommitter Ada <ada@example.test> ${1_700_000_000 + commit} +0000\n`;
    yield `data ${message.length}\n${message}\n`;
    const changed = commit === 0 ? Array.from({ length: files }, (_, file) => file) : [commit % files];
    for (const file of changed) {
      const text = textOf(file, commit);
      yield `M 100644 inline ${pathOf(file)}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
    }
  }
}

async function importHistory(repository: TestRepository, size: Size): Promise<void> {
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: repository.folder,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  for (const text of history(size)) {
    if (!child.stdin.write(text)) await new Promise(resolve => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  if ((await ended) !== 0) throw new Error('git fast-import failed');
  await git(repository.folder, 'reset', '--quiet', '--hard');
  // As a forge keeps it: one pack with a bitmap.
  await git(repository.folder, 'repack', '-adq', '--write-bitmap-index');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile() && !entry.parentPath.includes('.git')).length;
}

export const checkoutBench: Bench = {
  summary: 'checkouts of a repository of 10,000 commits and 5,000 files, beside git clone --depth 1',
  async run({ quick: isQuick, say }) {
    const size = isQuick ? quick : full;
    const gitPath = await findGit();
    if (gitPath === null) throw new Error('This bench needs git.');
    const server = await startGitServer();
    try {
      return await inFolder(async folder => {
        say(`importing ${size.commits} commits of ${size.files} files …`);
        const repository = await server.createRepository('large');
        await importHistory(repository, size);
        const first: number[] = [];
        const next: number[] = [];
        const clones: number[] = [];
        const again: number[] = [];
        for (let run = 0; run < size.runs; run++) {
          const tree = join(folder, `ours-${run}`);
          const mirror = createMirror({
            folder: join(folder, `mirror-${run}.git`),
            url: repository.url,
            gitPath,
            logger: silentLogger,
          });
          const clone = (target: string) =>
            runProgram('git', ['clone', '--quiet', '--depth', '1', repository.url, target]);
          const checkOut = async (target: string, revision: string) => {
            await mirror.fetch({ branch: 'main', revision, pinRef: `refs/slipway/${revision}` });
            await mirror.checkout({ revision, targetFolder: target });
          };
          const head = await git(repository.folder, 'rev-parse', 'HEAD');
          first.push(await timed(() => checkOut(tree, head)));
          clones.push(await timed(() => clone(`${tree}-clone`)));
          const found = [await countFiles(tree), await countFiles(`${tree}-clone`)];
          if (found[0] !== found[1] || found[0] !== size.files)
            throw new Error(`The trees differ: ${found.join(', ')} files.`);
          const head2 = await repository.commit({ [pathOf(run)]: `export const run = ${run};\n` }, `Run ${run}`);
          next.push(await timed(() => checkOut(`${tree}-next`, head2)));
          again.push(await timed(() => clone(`${tree}-clone-next`)));
          say(
            `run ${run + 1}: first ${first.at(-1)?.toFixed(0)} ms (clone ${clones.at(-1)?.toFixed(0)}), next ${next.at(-1)?.toFixed(0)} ms (clone ${again.at(-1)?.toFixed(0)})`,
          );
          for (const left of await readdir(folder)) await rm(join(folder, left), { recursive: true, force: true });
        }
        const peer = 'git clone --depth 1';
        return [
          rowOf({
            name: 'first checkout',
            unit: 'ms',
            ours: first,
            peer: { name: peer, values: clones },
            ratioAtMost: 1.2,
          }),
          rowOf({
            name: 'one new commit',
            unit: 'ms',
            ours: next,
            peer: { name: peer, values: again },
            ratioAtMost: 0.5,
          }),
        ];
      });
    } finally {
      await server.stop();
    }
  },
};
