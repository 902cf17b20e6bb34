/** Tests how numbers, sizes and times are written. */
import { describe, expect, it } from 'vitest';
import {
  formatAhead,
  formatBytes,
  formatClock,
  formatDuration,
  formatPercent,
  formatRelative,
  plural,
  shortDigest,
  shortSha,
} from '../../../src-renderer/ui/format.ts';

const noon = new Date(2026, 10, 24, 12, 0, 0).getTime();
const hour = 3_600_000;

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1023, '1.00 KiB'],
    [184 * 1024 ** 2, '184 MiB'],
    [3.4 * 1024 ** 3, '3.40 GiB'],
    [21.6 * 1024 ** 2, '21.6 MiB'],
    [1023.9 * 1024, '1.00 MiB'],
    [5 * 1024 ** 6, '5120 PiB'],
    [-1, '0 B'],
  ])('%d bytes are %s', (bytes, words) => expect(formatBytes(bytes)).toBe(words));
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [20, '0.1 s'],
    [300, '0.3 s'],
    [8_400, '8 s'],
    [59_999, '59 s'],
    [60_000, '1:00'],
    [108_000, '1:48'],
    [3_753_000, '1:02:33'],
    [36 * hour, '36:00:00'],
    [3 * 24 * hour, '3 days'],
    [-5, '0 s'],
  ])('%d ms is %s', (ms, words) => expect(formatDuration(ms)).toBe(words));

  it('carries tenths under a minute on demand', () => {
    expect(formatDuration(2_140, { tenths: true })).toBe('2.1 s');
    expect(formatDuration(59_980, { tenths: true })).toBe('59 s');
    expect(formatDuration(134_000, { tenths: true })).toBe('2:14');
  });
});

describe('formatRelative', () => {
  it.each([
    [0, 'just now'],
    [50_000, '50 s ago'],
    [12 * 60_000, '12 min ago'],
    [3 * hour, '3 h ago'],
    [13 * hour, 'yesterday'],
    [3 * 24 * hour, '21 Nov'],
    [400 * 24 * hour, '20 Oct 2025'],
  ])('%d ms back is %s', (back, words) => expect(formatRelative(noon - back, noon)).toBe(words));

  it('counts hours over midnight before it says yesterday', () => {
    const past = new Date(2026, 10, 24, 1, 0, 0).getTime();
    expect(formatRelative(past - 3 * hour, past)).toBe('3 h ago');
  });

  it('tells a time ahead of the clock as such', () => expect(formatRelative(noon + 20_000, noon)).toBe('in 20 s'));
});

it('tells how far off a time is', () => {
  expect(formatAhead(noon + 10_000, noon)).toBe('in 10 s');
  expect(formatAhead(noon + 93_000, noon)).toBe('in 2 min');
  expect(formatAhead(noon - 1, noon)).toBe('now');
});

it('writes clock, shares, revisions, digests and counts', () => {
  expect(formatClock(new Date(2026, 0, 1, 9, 5, 7).getTime())).toBe('09:05:07');
  expect(formatPercent(0.996)).toBe('99 %');
  expect(formatPercent(1)).toBe('100 %');
  expect(shortSha('5d2f8b0c41d9e7')).toBe('5d2f8b0');
  expect(shortSha('48213')).toBe('r48213');
  expect(shortDigest('4be1aa00ff0190af')).toBe('4be1…90af');
  expect(plural(1, 'machine')).toBe('1 machine');
  expect(plural(2_000, 'repository', 'repositories')).toBe('2,000 repositories');
});
