/** Owns why a queued job waits: the first reason that holds, with the words for it. No I/O. */
import type { JobMark, WaitingReason } from '../contract/waiting.ts';

export interface WaitingFacts {
  readonly isPaused: boolean;
  readonly workers: number;
  readonly busyWorkers: number;
  /** What the repository's last build lacked and this machine still lacks, in words; null where nothing is known to be missing. */
  readonly missingTool: string | null;
  /** The first waiting job of its repository, which may be this one, waits for a time. */
  readonly notBefore: { readonly cause: string; readonly atMs: number } | null;
  /** The first waiting job of its repository; null where it is this one. */
  readonly firstOfOwn: JobMark | null;
  /** Running jobs of its repository. */
  readonly ownRunning: readonly JobMark[];
  /** How many of them may run at once. */
  readonly cap: number;
  /** The job right in front in the whole queue; null for the first. */
  readonly inFront: JobMark | null;
  /** UTC milliseconds. */
  readonly now: number;
}

const short = (job: JobMark) => job.revision.slice(0, 7);

/** The reason that a person has to know first: what he can change comes before what passes by itself. */
export function whyWaiting(facts: WaitingFacts): WaitingReason {
  const { workers, busyWorkers, missingTool, notBefore, firstOfOwn, inFront, now } = facts;
  const [own] = facts.ownRunning;
  if (facts.isPaused) return { kind: 'paused', text: 'builds are paused', job: null };
  if (workers === 0) return { kind: 'no_worker', text: 'no worker runs', job: null };
  if (missingTool !== null) return { kind: 'missing_tool', text: missingTool, job: null };
  if (notBefore !== null && notBefore.atMs > now) {
    const text = firstOfOwn
      ? `its own ${short(firstOfOwn)} is tried again first, after ${notBefore.cause}`
      : `tried again by itself after ${notBefore.cause}`;
    return { kind: 'not_before', text, job: firstOfOwn };
  }
  if (own && facts.ownRunning.length >= facts.cap) {
    return { kind: 'repository_cap', text: `its own ${short(own)} builds first`, job: own };
  }
  if (busyWorkers >= workers) {
    const text = workers === 1 ? 'the worker is busy' : `all ${workers} workers are busy`;
    return { kind: 'workers_busy', text, job: inFront };
  }
  if (firstOfOwn) {
    return { kind: 'behind_own', text: `its own ${short(firstOfOwn)} builds first`, job: firstOfOwn };
  }
  return { kind: 'next', text: 'a worker takes it now', job: null };
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
