/** Owns the delay before something is tried again. No I/O. */

export interface BackoffRule {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Polls of a failing host: quickly once, then at most every five minutes. */
export const pollBackoff: BackoffRule = { firstMs: 10_000, maxMs: 300_000 };
/** Restarts of a process that ended by itself. */
export const restartBackoff: BackoffRule = { firstMs: 500, maxMs: 30_000 };

/** Deliveries to a webhook's server: soon while it restarts, then once an hour. */
export const webhookBackoff: BackoffRule = { firstMs: 5_000, maxMs: 3_600_000 };

/** Milliseconds before try `failures + 1`: doubling, with 20 % jitter so that many failures do not come back as one. `random` is 0 to 1. */
export function backoffMs(rule: BackoffRule, failures: number, random: number): number {
  const base = Math.min(rule.maxMs, rule.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(base * (0.8 + 0.4 * random));
}

/** The longest that `backoffMs` gives for a rule, in milliseconds. */
export function longestBackoffMs(rule: BackoffRule): number {
  return Math.round(rule.maxMs * 1.2);
}

/**
 * Whether what was planned for the time `at` is due. Nothing is planned further ahead than `longestMs`: such a time is from a
 * clock that has been set back since, and to wait for it could take days.
 */
export function isDue(at: number, now: number, longestMs: number): boolean {
  return at <= now || at > now + longestMs;
}
