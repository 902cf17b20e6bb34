import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type LogFact, logsToReclaim } from '../../../src-main/domain/log-retention.ts';

const log = (jobNumber: number, more: Partial<LogFact> = {}): LogFact => ({
  jobId: `j${jobNumber}`,
  jobNumber,
  repositoryId: 'r',
  succeeded: true,
  finishedAt: jobNumber,
  sizeBytes: 10,
  ...more,
});
const rule = { alwaysKeptJobs: 2, maximumJobs: 100, maximumAgeMs: 1_000, maximumBytes: 1_000 };
const numbers = (logs: readonly LogFact[]) => logs.map(one => one.jobNumber);

it('lets the oldest go first, by number, by age, and until the rest fits', () => {
  const logs = [5, 1, 4, 2, 3].map(number => log(number));
  expect(numbers(logsToReclaim(logs, rule, 10))).toEqual([]);
  expect(numbers(logsToReclaim(logs, { ...rule, maximumJobs: 3 }, 10))).toEqual([1, 2]);
  expect(numbers(logsToReclaim(logs, rule, 1_003))).toEqual([1, 2]);
  expect(numbers(logsToReclaim(logs, { ...rule, maximumBytes: 35 }, 10))).toEqual([1, 2]);
});

it('keeps the newest of each repository, and where the failures of now began', () => {
  const logs = [
    log(1, { repositoryId: 'other' }),
    ...[2, 3].map(number => log(number)),
    ...[4, 5, 6, 7].map(number => log(number, { succeeded: false })),
  ];
  expect(numbers(logsToReclaim(logs, { ...rule, maximumBytes: 0 }, 10))).toEqual([2, 3, 5]);
});

it('keeps the sum below the cap for any logs, but for those that always stay', () => {
  const any = fc.array(
    fc.record({ repository: fc.nat(2), succeeded: fc.boolean(), age: fc.nat(2_000), sizeBytes: fc.nat(500) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(any, drawn => {
      const logs = drawn.map((one, index) =>
        log(index, { ...one, repositoryId: `r${one.repository}`, finishedAt: 2_000 - one.age }),
      );
      const gone = new Set(logsToReclaim(logs, rule, 2_000));
      const left = logs.filter(one => !gone.has(one));
      const always = logsToReclaim(logs, { ...rule, maximumJobs: 0, maximumBytes: 0, maximumAgeMs: -1 }, 2_000);
      const stays = left.filter(one => !always.includes(one));
      const sum = (all: readonly LogFact[]) => all.reduce((total, one) => total + one.sizeBytes, 0);
      expect(sum(left)).toBeLessThanOrEqual(Math.max(rule.maximumBytes, sum(stays)));
      for (const repositoryId of ['r0', 'r1', 'r2']) {
        const newest = logs.filter(one => one.repositoryId === repositoryId).slice(-2);
        expect(newest.every(one => !gone.has(one))).toBe(true);
      }
    }),
  );
});
