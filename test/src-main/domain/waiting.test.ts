import { expect, it } from 'vitest';
import { median, ordinal, percentile, type WaitingFacts, whyWaiting } from '../../../src-main/domain/waiting.ts';

const facts: WaitingFacts = {
  position: 1,
  workersPaused: false,
  workers: 2,
  busyWorkers: 0,
  blockedByOwn: null,
  laterTry: null,
  runningEndsAtMs: [500, 900],
  ownEndsAtMs: null,
  now: 100,
};

it.each([
  ['a worker is free', {}, 'a worker takes it now', 100],
  ['builds are paused', { workersPaused: true, workers: 0 }, 'builds are paused', null],
  ['no worker runs', { workers: 0 }, 'no worker runs', null],
  ['its repository builds', { blockedByOwn: 'abc1234', ownEndsAtMs: 700 }, 'its own abc1234 builds first', 700],
  [
    'it is tried again later',
    { laterTry: { first: null, cause: 'git.timeout', atMs: 800 } },
    'tried again by itself after git.timeout',
    800,
  ],
  [
    'the one before it is tried again later',
    { laterTry: { first: 'abc1234', cause: 'git.timeout', atMs: 800 } },
    'its own abc1234 is tried again first, after git.timeout',
    null,
  ],
  ['the only worker is busy', { workers: 1, busyWorkers: 1 }, 'the worker is busy', 500],
  ['all are busy, second in line', { busyWorkers: 2, position: 2 }, 'all 2 workers are busy', 900],
  ['all are busy, further back', { busyWorkers: 2, position: 3 }, 'all 2 workers are busy', null],
])('says why a job waits when %s', (_title, change, reason, etaMs) => {
  expect(whyWaiting({ ...facts, ...change })).toEqual({ reason, etaMs });
});

it('writes places in line', () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 113].map(ordinal).join(' ')).toBe(
    '1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th 113th',
  );
});

it('takes the nearest rank', () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([40, 10, 30, 20], 0.5)).toBe(20);
  expect(percentile([40, 10, 30, 20], 0.95)).toBe(40);
  expect(percentile([40, 10, 30, 20], 0)).toBe(10);
  expect(median([3, 1, 2])).toBe(2);
});
