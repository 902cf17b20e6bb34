/** Owns the bench of planning: a tree of 50,000 files through `slipway plan --json`, beside the time that listing its files takes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { type Bench, type BenchOptions, inFolder, type Row, rowOf, runProgram } from '../bench.ts';

const commandLine = fileURLToPath(new URL('../../../src-main/cli.ts', import.meta.url));
const packages = 500;
const filesPerPackage = 98;

/** A workspace as large ones are: 500 packages with a manifest, a text and 98 sources each. */
async function makeTree(root: string): Promise<void> {
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const scripts = { build: 'tsc --build', test: 'vitest run', start: 'node packages/p0/dist/m0.js' };
  await put('package.json', JSON.stringify({ name: 'large', private: true, workspaces: ['packages/*'], scripts }));
  await put('package-lock.json', JSON.stringify({ name: 'large', lockfileVersion: 3, packages: {} }));
  for (let number = 0; number < packages; number += 1) {
    const folder = `packages/p${number}`;
    await put(`${folder}/package.json`, JSON.stringify({ name: `@large/p${number}`, version: '1.0.0' }));
    await put(`${folder}/README.md`, `# p${number}\n`);
    await put(`${folder}/src/m0.ts`, 'export const number = 0;\n');
    await Promise.all(
      Array.from({ length: filesPerPackage - 1 }, (_, index) =>
        writeFile(join(root, folder, 'src', `m${index + 1}.ts`), `export const number = ${index + 1};\n`),
      ),
    );
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

async function measure(root: string, { quick, say }: BenchOptions): Promise<readonly Row[]> {
  await makeTree(root);
  const [command, inProcess, start, find]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let run = 1; run <= (quick ? 5 : 15); run += 1) {
    command.push(await timed(() => runProgram(process.execPath, [commandLine, 'plan', root, '--json'])));
    start.push(await timed(() => runProgram(process.execPath, [commandLine, '--version'])));
    inProcess.push(await timed(() => planFor(root)));
    find.push(await timed(() => runProgram('sh', ['-c', 'find "$0" -type f | wc -l', root])));
    say(`run ${run}: ${Math.round(command.at(-1) ?? 0)} ms, of which the plan ${Math.round(inProcess.at(-1) ?? 0)} ms`);
  }
  return [
    rowOf({ name: 'slipway plan --json of 50,000 files', unit: 'ms', ours: command, atMost: 1_000 }),
    rowOf({
      name: '  the plan alone',
      unit: 'ms',
      ours: inProcess,
      peer: { name: 'find -type f | wc -l', values: find },
    }),
    rowOf({ name: '  starting the command line', unit: 'ms', ours: start }),
  ];
}

export const planBench: Bench = {
  summary: 'a plan of a tree of 50,000 files, beside listing them',
  run: options => inFolder(root => measure(root, options)),
};
