import { expect, it } from 'vitest';
import { allTests, describeTestPage } from '../../../src-main/cli/job-tests.ts';
import type { TestCase, TestSummary } from '../../../src-main/contract/test-results.ts';

const passed: TestCase = {
  step: 'Test',
  className: 'a.B',
  name: 'adds',
  outcome: 'passed',
  durationMs: 1_250,
  message: null,
  output: null,
};
const failed: TestCase = {
  ...passed,
  name: 'subtracts',
  outcome: 'failed',
  durationMs: null,
  message: '1 > \u202e2',
  output: 'at a\n\tat b',
};
const summary: TestSummary = {
  total: 7,
  failed: 1,
  skipped: 0,
  files: 1,
  durationMs: 1_250,
  kept: 2,
  slowest: [],
};

it('reads every page', async () => {
  const asked: number[] = [];
  const found = await allTests(async after => {
    asked.push(after);
    return { summary, tests: [after === 0 ? passed : failed], next: after === 0 ? 120 : null, reclaimedAtMs: null };
  });
  expect(found).toEqual({ summary, tests: [passed, failed], reclaimedAtMs: null });
  expect(asked).toEqual([0, 120]);
});

it('shows the failed tests first, and nothing that a terminal would act on', () => {
  expect(describeTestPage({ summary, tests: [passed, failed], reclaimedAtMs: null }).split('\n')).toEqual([
    '7 tests, 1 failed, 0 skipped, 1.25 s, in 1 JUnit file',
    '5 of them are counted and not listed.',
    '',
    'failed: a.B › subtracts',
    '  1 > �2',
    '  at a',
    '    at b',
    '',
    'OUTCOME  TOOK    STEP  TEST',
    'passed   1.25 s  Test  a.B › adds',
    '',
  ]);
  expect(describeTestPage({ summary: null, tests: [], reclaimedAtMs: null })).toContain('No step');
  expect(describeTestPage({ summary: null, tests: [], reclaimedAtMs: 1 })).toContain('reclaimed');
});
