/** Owns why a queued job waits, and when it should begin. No I/O. */

export interface WaitingFacts {
  /** Place in the queue, from 1. */
  readonly position: number;
  readonly workersPaused: boolean;
  readonly workers: number;
  readonly busyWorkers: number;
  /** The short revision of the job of the same repository that comes first: one that runs, where all that may run do, or one that waits. */
  readonly blockedByOwn: string | null;
  /** Set while the job waits to be tried again by itself; or, with `first`, the one of its repository that comes first does. */
  readonly laterTry: { readonly first: string | null; readonly cause: string; readonly atMs: number } | null;
  /** When the running jobs should end, earliest first; unknown ones left out. */
  readonly runningEndsAtMs: readonly number[];
  readonly ownEndsAtMs: number | null;
  readonly now: number;
}

export function whyWaiting(facts: WaitingFacts): { readonly reason: string; readonly etaMs: number | null } {
  const { position, workers, busyWorkers, blockedByOwn, now } = facts;
  if (facts.workersPaused) return { reason: 'builds are paused', etaMs: null };
  if (workers === 0) return { reason: 'no worker runs', etaMs: null };
  if (facts.laterTry) {
    const { first, cause, atMs } = facts.laterTry;
    if (first !== null) return { reason: `its own ${first} is tried again first, after ${cause}`, etaMs: null };
    return { reason: `tried again by itself after ${cause}`, etaMs: atMs };
  }
  if (blockedByOwn !== null) {
    return { reason: `its own ${blockedByOwn} builds first`, etaMs: facts.ownEndsAtMs };
  }
  if (busyWorkers >= workers) {
    const reason = workers === 1 ? 'the worker is busy' : `all ${workers} workers are busy`;
    return { reason, etaMs: facts.runningEndsAtMs[position - 1] ?? null };
  }
  return { reason: 'a worker takes it now', etaMs: now };
}

export function ordinal(place: number): string {
  const suffix = place % 100 >= 11 && place % 100 <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[place % 10] ?? 'th');
  return `${place}${suffix}`;
}

export function median(values: readonly number[]): number | null {
  return percentile(values, 0.5);
}

/** The nearest-rank percentile; null of nothing. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
