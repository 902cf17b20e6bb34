/** Owns the port of time, so that rules and services can be tested without waiting. */

/** UTC milliseconds. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * The age in milliseconds at which a checkup means that its owner is gone: two missed ones and a little slack. With the default
 * of 5 s that is 12 s, so that a dead worker's job runs again within 15 s.
 */
export function checkupDeadlineMs(intervalMs: number): number {
  return 2 * intervalMs + 2_000;
}
