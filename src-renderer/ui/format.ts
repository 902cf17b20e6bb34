/** Owns how numbers, sizes and times are written in the interface. Knows no component. */

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const counts = new Intl.NumberFormat('en');

/** A whole number with thousands separated: `48,209`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** A size in binary units with three significant digits: `0 B`, `184 MiB`, `3.40 GiB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would be written as 1000: one unit higher reads better.
  while (value >= 999.5 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${binaryUnits[unit]}`;
}

/** A rate in binary units: `21.6 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** A share from 0 to 1 as whole percent, never 100 before it is done: `42 %`. */
export function formatPercent(share: number): string {
  return `${share >= 1 ? 100 : Math.min(99, Math.max(0, Math.round(share * 100)))} %`;
}

const two = (value: number) => String(value).padStart(2, '0');

/**
 * A duration: `8 s`, `1:48`, `1:02:33`, `3 days`. With `tenths`, times under a minute carry one decimal: `2.1 s`.
 * Times under a second are written in tenths either way, since `0 s` says nothing.
 */
export function formatDuration(durationMs: number, options: { readonly tenths?: boolean } = {}): string {
  const ms = Math.max(0, durationMs);
  if (ms < secondMs && ms > 0) return `${Math.max(0.1, ms / secondMs).toFixed(1)} s`;
  if (ms < minuteMs) {
    if (options.tenths && ms < minuteMs - 50) return `${(ms / secondMs).toFixed(1)} s`;
    return `${Math.floor(ms / secondMs)} s`;
  }
  if (ms >= 2 * dayMs) return `${Math.floor(ms / dayMs)} days`;
  const seconds = Math.floor(ms / secondMs);
  const tail = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const hours = Math.floor(seconds / 3_600);
  return hours > 0 ? `${hours}:${tail}` : tail.replace(/^0/, '');
}

const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

function startOfDay(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** How long ago a past time was, in words: `just now`, `50 s ago`, `12 min ago`, `3 h ago`, `yesterday`, `21 Nov`. */
export function formatRelative(atMs: number, nowMs: number): string {
  const ageMs = nowMs - atMs;
  if (ageMs < secondMs) return ageMs < -secondMs ? formatAhead(atMs, nowMs) : 'just now';
  if (ageMs < minuteMs) return `${Math.floor(ageMs / secondMs)} s ago`;
  if (ageMs < hourMs) return `${Math.floor(ageMs / minuteMs)} min ago`;
  const daysBack = Math.round((startOfDay(nowMs) - startOfDay(atMs)) / dayMs);
  if (daysBack === 0 || ageMs < 6 * hourMs) return `${Math.floor(ageMs / hourMs)} h ago`;
  if (daysBack === 1) return 'yesterday';
  const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  return (sameYear ? dayAndMonth : dayMonthYear).format(atMs);
}

/** How far off a coming time is: `in 10 s`, `in 3 min`; `now` once it is reached. */
export function formatAhead(atMs: number, nowMs: number): string {
  const leftMs = atMs - nowMs;
  if (leftMs < secondMs) return 'now';
  if (leftMs < minuteMs) return `in ${Math.round(leftMs / secondMs)} s`;
  if (leftMs < hourMs) return `in ${Math.round(leftMs / minuteMs)} min`;
  return `in ${Math.round(leftMs / hourMs)} h`;
}

/** The time of day with seconds, local: `09:52:10`. */
export function formatClock(atMs: number): string {
  const date = new Date(atMs);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Date and time in full, for titles on hover: `21 Nov 2026, 09:52:10`. */
export function formatDateTime(atMs: number): string {
  return `${dayMonthYear.format(atMs)}, ${formatClock(atMs)}`;
}

/** A revision as people say it: the first seven digits of a SHA; a Subversion number with its `r`. */
export function shortSha(revision: string): string {
  if (/^\d{1,10}$/.test(revision)) return `r${revision}`;
  return revision.slice(0, 7);
}

/** A long digest or key with its middle left out: `4be1…90af`. */
export function shortDigest(digest: string): string {
  return digest.length <= 12 ? digest : `${digest.slice(0, 4)}…${digest.slice(-4)}`;
}

/** `1 machine`, `12 machines`; `many` where adding an s is not enough. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
