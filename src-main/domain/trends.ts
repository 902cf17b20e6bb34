/** Owns putting jobs and bytes into hours or days, for plots over time. No I/O. */
import type { TrendPoint } from '../contract/capacity.ts';
import { percentile } from './waiting.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export interface TrendJob {
  readonly succeeded: boolean;
  /** UTC milliseconds; null where it never began. */
  readonly startedAt: number | null;
  readonly queuedAt: number;
  readonly finishedAt: number;
}

export interface DayTraffic {
  /** Whole days since 1970, UTC. */
  readonly day: number;
  readonly bytesSent: number;
  readonly bytesRead: number;
}

/** Jobs by the time at which they ended, from `from` to `to` (UTC milliseconds), oldest first; empty spans too. */
export function trendsOf(
  jobs: readonly TrendJob[],
  traffic: readonly DayTraffic[],
  span: { readonly from: number; readonly to: number; readonly every: 'hour' | 'day' },
): TrendPoint[] {
  const stepMs = span.every === 'hour' ? hourMs : dayMs;
  const first = Math.floor(span.from / stepMs);
  const last = Math.floor(span.to / stepMs);
  const byStep = new Map<number, TrendJob[]>();
  for (const job of jobs) {
    const step = Math.floor(job.finishedAt / stepMs);
    const known = byStep.get(step);
    if (known) known.push(job);
    else byStep.set(step, [job]);
  }
  const bytes = new Map(traffic.map(day => [day.day, day]));
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const step = first + index;
    const ended = byStep.get(step) ?? [];
    const builds = ended.flatMap(({ succeeded, startedAt, finishedAt }) =>
      succeeded && startedAt !== null ? [finishedAt - startedAt] : [],
    );
    const waits = ended.flatMap(({ startedAt, queuedAt }) =>
      startedAt === null ? [] : [Math.max(0, startedAt - queuedAt)],
    );
    const byDay = span.every === 'day';
    return {
      atMs: step * stepMs,
      succeeded: ended.filter(job => job.succeeded).length,
      failed: ended.filter(job => !job.succeeded).length,
      medianBuildMs: percentile(builds, 0.5),
      p95BuildMs: percentile(builds, 0.95),
      medianWaitMs: percentile(waits, 0.5),
      p95WaitMs: percentile(waits, 0.95),
      bytesSent: byDay ? (bytes.get(step)?.bytesSent ?? 0) : null,
      bytesRead: byDay ? (bytes.get(step)?.bytesRead ?? 0) : null,
    };
  });
}
