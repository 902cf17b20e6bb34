/** Owns `npm test`: the whole truth in one command, counted in its last line. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '..');

/** The parts of vitest's JSON report that are counted. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

interface Count {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

const total: Count = { passed: 0, failed: 0, skipped: [] };

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise(resolveExit => {
    const child = spawn(process.execPath, [join(root, 'node_modules', command), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    child.once('exit', exitCode => resolveExit(exitCode ?? 1));
    child.once('error', () => resolveExit(1));
  });
}

/** A check that passes or fails as a whole. */
async function check(name: string, command: string, args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  const exitCode = await run(command, args);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${exitCode === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (exitCode === 0) total.passed += 1;
  else total.failed += 1;
}

/** A vitest project; every test counts. A file that could not be loaded is a failure of its own. */
async function project(name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-report-'));
  const file = join(folder, 'report.json');
  try {
    const exitCode = await run('vitest/vitest.mjs', [
      'run',
      ...['--project', name, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    ]);
    const report = reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    let failed = 0;
    for (const suite of report.testResults) {
      if (suite.status === 'failed' && suite.assertionResults.length === 0) failed += 1;
      for (const test of suite.assertionResults) {
        if (test.status === 'passed') total.passed += 1;
        else if (test.status === 'failed') failed += 1;
        else total.skipped.push(test.fullName);
      }
    }
    // An unhandled error fails the run although every test passed.
    total.failed += failed === 0 && exitCode !== 0 ? 1 : failed;
  } catch (error) {
    console.error(`The report of ${name} cannot be read: ${error instanceof Error ? error.message : error}`);
    total.failed += 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Skips are said, with their reasons; one that nobody expected is a failure. A key that ends in ` *` stands for a whole suite. */
async function accountForSkips(): Promise<void> {
  const expected = z
    .record(z.string(), z.string())
    .parse(JSON.parse(await readFile(join(root, 'test/expected-skips.json'), 'utf8')));
  for (const title of total.skipped) {
    const suite = Object.keys(expected).find(key => key.endsWith(' *') && title.startsWith(key.slice(0, -1)));
    const reason = expected[title] ?? (suite === undefined ? undefined : expected[suite]);
    console.log(reason ? `skipped: ${title}: ${reason}` : `SKIPPED WITHOUT A REASON: ${title}`);
    if (!reason) total.failed += 1;
  }
}

await check('types', 'typescript/bin/tsc', ['-p', 'tsconfig.json']);
await check('lint and format', '@biomejs/biome/bin/biome', ['check', '.']);
await check('imports point one way', 'dependency-cruiser/bin/dependency-cruiser.mjs', [
  ...['--config', '.dependency-cruiser.cjs', 'src-main', 'src-renderer'],
]);
await check('build', 'electron-vite/bin/electron-vite.js', ['build', '--logLevel', 'warn']);
await project('unit');
await project('crash');
await project('e2e');
await accountForSkips();
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
