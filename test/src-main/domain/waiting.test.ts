import { expect, it } from 'vitest';
import type { JobMark, WaitingReason } from '../../../src-main/contract/waiting.ts';
import { median, ordinal, percentile, type WaitingFacts, whyWaiting } from '../../../src-main/domain/waiting.ts';

const mark = (number: number): JobMark => ({
  id: `0198f000-0000-7000-8000-${String(number).padStart(12, '0')}`,
  number,
  revision: `abc123${number}def`,
});
const [own, first, front] = [mark(1), mark(2), mark(3)];

const facts: WaitingFacts = {
  isPaused: false,
  workers: 2,
  busyWorkers: 0,
  missingTool: null,
  notBefore: null,
  firstOfOwn: null,
  ownRunning: [],
  cap: 1,
  inFront: null,
  now: 100,
};
const busy = { busyWorkers: 2, inFront: front };
const later = { notBefore: { cause: 'git.timeout', atMs: 900 } };

it.each<[string, Partial<WaitingFacts>, WaitingReason['kind'], string, JobMark | null]>([
  ['a worker is free', {}, 'next', 'a worker takes it now', null],
  ['builds are paused', { ...busy, isPaused: true, workers: 0 }, 'paused', 'builds are paused', null],
  ['no worker runs', { workers: 0, missingTool: 'x' }, 'no_worker', 'no worker runs', null],
  ['a tool is missing', { ...busy, missingTool: 'zig is missing' }, 'missing_tool', 'zig is missing', null],
  ['it is tried again later', later, 'not_before', 'tried again by itself after git.timeout', null],
  [
    'an older one is tried again later',
    { ...later, firstOfOwn: first },
    'not_before',
    'its own abc1232 is tried again first, after git.timeout',
    first,
  ],
  ['the time has come', { notBefore: { cause: 'x', atMs: 100 } }, 'next', 'a worker takes it now', null],
  ['its repository builds', { ...busy, ownRunning: [own] }, 'repository_cap', 'its own abc1231 builds first', own],
  ['its repository may build more', { ownRunning: [own], cap: 2 }, 'next', 'a worker takes it now', null],
  ['the only worker is busy', { ...busy, workers: 1 }, 'workers_busy', 'the worker is busy', front],
  ['all are busy', busy, 'workers_busy', 'all 2 workers are busy', front],
  ['an older one is next', { firstOfOwn: first }, 'behind_own', 'its own abc1232 builds first', first],
])('says why a job waits when %s', (_title, change, kind, text, job) => {
  expect(whyWaiting({ ...facts, ...change })).toEqual({ kind, text, job });
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
