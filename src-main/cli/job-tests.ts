/** Owns `slipway job tests`: the tests of a job in words, or as JSON. */
import type { TestCase, TestPage } from '../contract/test-results.ts';
import { plain, table } from './output.ts';

const seconds = (milliseconds: number | null) =>
  milliseconds === null ? '-' : `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;

/** `read` gives the page that begins at `after`. */
export async function allTests(read: (after: number) => Promise<TestPage>): Promise<Omit<TestPage, 'next'>> {
  const tests: TestCase[] = [];
  for (let after = 0; ; ) {
    const page = await read(after);
    tests.push(...page.tests);
    if (page.next === null) return { summary: page.summary, tests, reclaimedAtMs: page.reclaimedAtMs };
    after = page.next;
  }
}

/** The failed tests first, each with what it says; the others as a table. */
export function describeTestPage({ summary, tests, reclaimedAtMs }: Omit<TestPage, 'next'>): string {
  if (reclaimedAtMs !== null) return 'The log of this attempt was reclaimed to free space, and its tests with it.';
  if (summary === null) return 'No step of this attempt wrote a JUnit report.';
  const { total, failed, skipped, files, kept, durationMs } = summary;
  const sums = `${total} tests, ${failed} failed, ${skipped} skipped, ${seconds(durationMs)}, in ${files} JUnit ${files === 1 ? 'file' : 'files'}`;
  const beyond = kept < total ? [`${total - kept} of them are counted and not listed.`] : [];
  const failures = tests
    .filter(test => test.outcome === 'failed')
    .flatMap(test => [
      '',
      `failed: ${plain(fullName(test))}`,
      ...[test.message, test.output].flatMap(text => (text === null ? [] : indented(text))),
    ]);
  const others = tests
    .filter(test => test.outcome !== 'failed')
    .map(test => [test.outcome, seconds(test.durationMs), test.step, fullName(test)]);
  const rest = others.length === 0 ? [] : ['', table(['OUTCOME', 'TOOK', 'STEP', 'TEST'], others)];
  return [sums, ...beyond, ...failures, ...rest].join('\n');
}

function fullName({ className, name }: TestCase): string {
  return className === '' ? name : `${className} › ${name}`;
}

function indented(text: string): string[] {
  return text.split('\n').map(line => `  ${plain(line.replaceAll('\t', '  '))}`);
}
