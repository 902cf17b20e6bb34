/** Owns how long after a look at a repository the next one comes. No I/O. */
import { backoffMs, pollBackoff } from './backoff.ts';

/** So long after a push the next one is likely: work comes in bursts. */
export const activeForMs = 2 * 60_000;
const activeShare = 4;
/** No faster than this because of a burst. */
const fastestMs = 2_000;
/** A look at files of this machine costs next to nothing. */
const localMs = 1_000;
/** Looks spread out by themselves, and none comes later than it should. */
const jitterShare = 0.1;

export interface Pace {
  /** What people are told, or what a person chose for this repository. */
  readonly intervalMs: number;
  /** Whether a person chose it: then nothing is faster. */
  readonly isChosen: boolean;
  readonly isLocal: boolean;
  /** The host's: 1 is the usual pace. */
  readonly stretch: number;
  /** Since a revision was new is no longer than `activeForMs`. */
  readonly isActive: boolean;
}

/** Milliseconds between two looks that succeed, before jitter. */
export function paceMs({ intervalMs, isChosen, isLocal, stretch, isActive }: Pace): number {
  if (isChosen) return intervalMs * stretch;
  if (isLocal) return Math.min(intervalMs, localMs);
  if (isActive && stretch === 1) return Math.min(intervalMs, Math.max(fastestMs, intervalMs / activeShare));
  return intervalMs * stretch;
}

/** Until the next look, in milliseconds. `random` is 0 to 1. With `failures` in a row the wait grows, and is never shorter than the pace. */
export function nextLookMs(pace: Pace, failures: number, random: number): number {
  const usual = paceMs(pace);
  if (failures > 0) return Math.max(usual, pace.intervalMs, backoffMs(pollBackoff, failures, random));
  return Math.round(usual * (1 - jitterShare * random));
}
