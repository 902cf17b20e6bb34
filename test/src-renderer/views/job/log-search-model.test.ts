/** Where a search through a log stands. */
import { describe, expect, it } from 'vitest';
import type { LogSearch } from '../../../../src-main/contract/views/log.ts';
import {
  addMatches,
  currentMatch,
  type LogSearchState,
  matchShares,
  openSearch,
  renewSearch,
  searchWords,
  stepSearch,
} from '../../../../src-renderer/views/job/log-search-model.ts';

const found = (lines: readonly number[], more: Partial<LogSearch> = {}): LogSearch => ({
  matches: lines.map(line => ({ line, offset: line * 10, text: `line ${line}` })),
  total: lines.length,
  lineCount: 48_209,
  totalBytes: 1_000,
  next: null,
  reclaimedAtMs: null,
  ...more,
});
const lineOf = (state: LogSearchState | 'more') => (state === 'more' ? state : currentMatch(state)?.line);

describe('a search', () => {
  it('opens at the first match from the line in sight on, else at the first', () => {
    expect(lineOf(openSearch(found([3, 40, 50]), 41))).toBe(50);
    expect(lineOf(openSearch(found([3, 40, 50]), 51))).toBe(3);
    expect(currentMatch(openSearch(found([]), 1))).toBeNull();
  });

  it('goes round, unless there are matches that are not listed', () => {
    const state = openSearch(found([3, 40]), 1);
    expect(lineOf(stepSearch(state, -1))).toBe(40);
    const last = stepSearch(state, 1);
    expect(lineOf(last)).toBe(40);
    if (last === 'more') return;
    expect(lineOf(stepSearch(last, 1))).toBe(3);
    const partly = { ...last, found: { ...last.found, next: 500, total: 3 } };
    expect(stepSearch(partly, 1)).toBe('more');
    const grown = addMatches(partly, found([50], { total: 3 }));
    expect(lineOf(stepSearch(grown, 1))).toBe(50);
    expect(stepSearch(openSearch(found([]), 1), 1)).toMatchObject({ current: null });
  });

  it('stays at its match when the log has grown', () => {
    const state = openSearch(found([3, 40]), 40);
    expect(lineOf(renewSearch(state, found([3, 40, 60])))).toBe(40);
    expect(lineOf(renewSearch(openSearch(found([]), 1), found([60])))).toBe(60);
    expect(renewSearch(state, found([])).current).toBeNull();
  });

  it('says where it is, and that nothing was found in how many lines', () => {
    expect(searchWords(openSearch(found([3, 40], { total: 31_000 }), 40))).toBe('2 of 31,000');
    expect(searchWords(openSearch(found([]), 1))).toBe('none in 48,209 lines');
  });

  it('shows matches that lie together as one mark', () => {
    expect(matchShares(openSearch(found([1, 2, 50]), 1), 10)).toEqual([0, 0.5]);
    expect(matchShares(openSearch(found([], { totalBytes: 0 }), 1), 10)).toEqual([]);
  });
});
