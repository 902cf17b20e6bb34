/** Owns when a copy that failed is tried again: by what was wrong, so that a store is not asked what it has just refused. No I/O. */
import type { ErrorCode } from '../contract/errors.ts';
import { type BackoffRule, backoffMs, longestBackoffMs } from './backoff.ts';

/** What must change before another try can succeed. */
export type FailureKind =
  /** A person gives access, or names another place. */
  | 'person'
  /** Somebody makes room. */
  | 'room'
  /** The store answers again. */
  | 'contact'
  /** Nothing that is known. */
  | 'unknown';

const rules: Readonly<Record<FailureKind, BackoffRule>> = {
  // Soon at first, for who is at it now; a retry by hand comes at once, so that the rest is for whoever forgets it.
  person: { firstMs: 30_000, maxMs: 4 * 60 * 60_000 },
  room: { firstMs: 15_000, maxMs: 15 * 60_000 },
  contact: { firstMs: 2_000, maxMs: 60_000 },
  unknown: { firstMs: 2_000, maxMs: 5 * 60_000 },
};

/** A store that asks for more patience than this is asked again all the same. */
const longestRetryAfterMs = longestBackoffMs(rules.person);

/** The longest wait that `replicaWaitMs` gives: what is planned further ahead was planned by a clock that has been set back. */
export const longestReplicaWaitMs = longestRetryAfterMs;

export function failureKind(code: ErrorCode): FailureKind {
  switch (code) {
    case 'store.forbidden':
    case 'store.url_invalid':
    case 'store.malformed':
    case 'store.not_found':
    case 'secret.key_unreadable':
    case 'secret.missing':
      return 'person';
    case 'store.full':
      return 'room';
    case 'store.unreachable':
      return 'contact';
    default:
      return 'unknown';
  }
}

/** Whether what is wrong keeps every copy from the region, not this one alone. */
export function isOfRegion(code: ErrorCode): boolean {
  return ['store.forbidden', 'store.url_invalid', 'store.full', 'store.unreachable'].includes(code);
}

/**
 * Milliseconds before the next try, after `failures` of them. `retryAfterMs` is what the store asked for (RFC 9110, section 10.2.3): never
 * less than that. `random` is 0 to 1.
 */
export function replicaWaitMs(failure: {
  readonly code: ErrorCode;
  readonly failures: number;
  readonly retryAfterMs: number | null;
  readonly random: number;
}): number {
  const waitMs = backoffMs(rules[failureKind(failure.code)], failure.failures, failure.random);
  return Math.max(waitMs, Math.min(failure.retryAfterMs ?? 0, longestRetryAfterMs));
}

/** What the details of an error say that the store asked for, in milliseconds; null where it asked for nothing. */
export function retryAfterOf(details: Readonly<Record<string, unknown>>): number | null {
  const { retryAfterMs } = details;
  return typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) && retryAfterMs > 0 ? retryAfterMs : null;
}
