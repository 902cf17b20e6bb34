/** Owns where a search through a log stands: which match is shown, and what is said of it. Pure. */
import type { LogMatch, LogSearch } from '../../../src-main/contract/views/log.ts';
import { formatCount, plural } from '../../ui/format.ts';

export interface LogSearchState {
  readonly found: LogSearch;
  /** Index into `found.matches` of the one that is shown; null where there is none. */
  readonly current: number | null;
}

/** A new search: shows the first match at or after the line in sight, else the first. */
export function openSearch(found: LogSearch, fromLine: number): LogSearchState {
  if (found.matches.length === 0) return { found, current: null };
  const ahead = found.matches.findIndex(match => match.line >= fromLine);
  return { found, current: Math.max(0, ahead) };
}

/** The same search of a log that has grown: the match that is shown stays. */
export function renewSearch(state: LogSearchState, found: LogSearch): LogSearchState {
  const shown = currentMatch(state);
  const same = shown === null ? -1 : found.matches.findIndex(match => match.offset === shown.offset);
  if (same >= 0) return { found, current: same };
  return { found, current: found.matches.length === 0 ? null : 0 };
}

/** Matches that follow those that are listed. */
export function addMatches(state: LogSearchState, more: LogSearch): LogSearchState {
  return { ...state, found: { ...more, matches: [...state.found.matches, ...more.matches] } };
}

export function currentMatch(state: LogSearchState): LogMatch | null {
  return state.current === null ? null : (state.found.matches[state.current] ?? null);
}

/** The next or previous match, round the ends of what is listed; `more` where the next one must be asked for first. */
export function stepSearch(state: LogSearchState, by: 1 | -1): LogSearchState | 'more' {
  const { length } = state.found.matches;
  if (state.current === null || length === 0) return state;
  const next = state.current + by;
  if (next >= length && state.found.next !== null) return 'more';
  return { ...state, current: (next + length) % length };
}

/** `17 of 31`; `none in 48,209 lines`. A line counts once. */
export function searchWords({ found, current }: LogSearchState): string {
  if (found.total === 0) return `none in ${plural(found.lineCount, 'line')}`;
  return `${formatCount((current ?? 0) + 1)} of ${formatCount(found.total)}`;
}

/** Where matches lie in the log, as shares from 0 to 1, at most one for each of `slots` places. */
export function matchShares({ found }: LogSearchState, slots: number): readonly number[] {
  if (found.totalBytes === 0) return [];
  const places = new Set(found.matches.map(match => Math.floor((match.offset / found.totalBytes) * slots)));
  return [...places].map(place => place / slots);
}
