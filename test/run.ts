/** Owns `npm test`: the whole truth in one command, counted in its last line. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
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
  /** What failed, each in a few lines; said again at the end, where a long output is cut off last. */
  readonly failures: string[];
}

const total: Count = { passed: 0, failed: 0, skipped: [], failures: [] };

/** The first lines of what went wrong, without the colours. */
function inShort(text: string): string {
  return stripVTControlCharacters(text).split('\n').slice(0, 12).join('\n    ');
}

function fail(title: string, why: string): void {
  total.failed += 1;
  total.failures.push(`${title}: ${inShort(why)}`);
}

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
  else fail(name, `exit code ${exitCode}`);
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
    const failedBefore = total.failed;
    for (const suite of report.testResults) {
      if (suite.status === 'failed' && suite.assertionResults.length === 0) fail(suite.name, suite.message ?? '');
      for (const test of suite.assertionResults) {
        if (test.status === 'passed') total.passed += 1;
        else if (test.status === 'failed')
          fail(`${relative(root, suite.name)}: ${test.fullName}`, test.failureMessages?.join('\n') ?? '');
        else total.skipped.push(test.fullName);
      }
    }
    if (total.failed === failedBefore && exitCode !== 0)
      fail(name, `every test passed, but the run ended with exit code ${exitCode}: an error that no test caught`);
  } catch (error) {
    fail(name, `its report cannot be read: ${error instanceof Error ? error.message : error}`);
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
    if (reason) console.log(`skipped: ${title}: ${reason}`);
    else fail(title, 'skipped without a reason in test/expected-skips.json');
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
for (const failure of total.failures) console.log(`FAILED ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
