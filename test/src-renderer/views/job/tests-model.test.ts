import { expect, it } from 'vitest';
import type { TestSummary } from '../../../../src-main/contract/test-results.ts';
import {
  summaryWords,
  testName,
  testsLabel,
  testTime,
  unlistedWords,
} from '../../../../src-renderer/views/job/tests-model.ts';

const summary: TestSummary = {
  total: 1_204,
  failed: 0,
  skipped: 2,
  files: 1,
  durationMs: 12_300,
  kept: 1_204,
  slowest: [],
};

it('says first what failed', () => {
  expect(testsLabel(null)).toBe('Tests');
  expect(testsLabel(summary)).toBe('Tests, 1,204');
  expect(testsLabel({ ...summary, failed: 3 })).toBe('Tests, 3 failed');
});

it('sums up in words, and says what is not listed', () => {
  expect(summaryWords(summary)).toBe('1,204 tests, 2 skipped, 12.3 s in 1 JUnit file');
  expect(summaryWords({ ...summary, total: 1, failed: 1, skipped: 0, files: 2 })).toBe(
    '1 test, 1 failed, 12.3 s in 2 JUnit files',
  );
  expect(unlistedWords(summary)).toBeNull();
  expect(unlistedWords({ ...summary, kept: 1_203 })).toContain('1 test beyond');
});

it('names a test and its time', () => {
  expect(testName({ className: 'a.B', name: 'adds' })).toBe('a.B › adds');
  expect(testName({ className: '', name: 'adds' })).toBe('adds');
  expect([testTime(null), testTime(12.4), testTime(2_500)]).toEqual(['', '12 ms', '2.5 s']);
});
