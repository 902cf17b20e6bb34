import { expect, it } from 'vitest';
import type { DrillResult } from '../../../src-main/contract/drill.ts';
import { drillTimes, drillVerdict } from '../../../src-renderer/views/settings/drill-model.ts';
import { fixtureId } from '../../support/view-fixtures.ts';

const result: DrillResult = {
  jobId: fixtureId(),
  jobNumber: 7,
  workerName: 'worker 1',
  pid: 4_711,
  lastCheckupAtMs: 1_000,
  killedAtMs: 5_000,
  noticedAfterMs: 20,
  requeuedAfterMs: 60,
  restartedAfterMs: 1_300,
  succeededAfterMs: 2_500,
  recoveredMs: 5_300,
  limitMs: 15_000,
  holds: true,
};

it('says how long the recovery took, and whether that is good', () => {
  expect(drillVerdict(result)).toBe('Passed: 5.3 s from the last checkup to the next attempt, at most 15 s.');
  expect(drillTimes(result).map(([, after]) => after)).toEqual(['0.1 s', '0.1 s', '1.3 s', '2.5 s']);
});

it('says what did not come about', () => {
  const late = { ...result, restartedAfterMs: null, succeededAfterMs: null, recoveredMs: null, holds: false };
  expect(drillVerdict(late)).toBe('Failed: never from the last checkup to the next attempt, at most 15 s.');
  expect(drillTimes(late).at(-1)).toEqual(['succeeded', 'never']);
});
