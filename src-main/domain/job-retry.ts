/** Owns what becomes of a job that failed by itself: tried again later, or failed for good. No I/O. */
import type { ErrorView } from '../contract/errors.ts';
import { type BackoffRule, backoffMs, longestBackoffMs } from './backoff.ts';

/** The network and what answers over it: mostly back within seconds, else within minutes. */
const unreachable: BackoffRule = { firstMs: 5_000, maxMs: 300_000 };
/** Space is made by a person or a clean-up, never within seconds. */
const full: BackoffRule = { firstMs: 60_000, maxMs: 900_000 };

/** A wait longer than this comes of a clock that has been set back since: see `isDue`. Milliseconds. */
export const longestRetryMs = longestBackoffMs(full);

export function retryRule(code: ErrorView['code']): BackoffRule {
  return code === 'store.full' || code === 'agent.disk_full' ? full : unreachable;
}

/**
 * What becomes of an attempt that ended with `error`. Only what may pass by itself (`retry: 'automatic'`) is tried again: never a
 * step's own failure, never after a person asked to cancel, and never once a step has begun that must not run twice.
 * `random` is 0 to 1.
 */
export function afterFailure(failure: {
  readonly error: Pick<ErrorView, 'code' | 'retry'>;
  readonly retriesDone: number;
  readonly retryLimit: number;
  readonly cancelRequested: boolean;
  readonly ranOnceOnlyStep: boolean;
  readonly random: number;
}): { readonly status: 'failed' } | { readonly status: 'queued'; readonly delayMs: number } {
  const isRetried =
    failure.error.retry === 'automatic' &&
    failure.retriesDone < failure.retryLimit &&
    !failure.cancelRequested &&
    !failure.ranOnceOnlyStep;
  if (!isRetried) return { status: 'failed' };
  return {
    status: 'queued',
    delayMs: backoffMs(retryRule(failure.error.code), failure.retriesDone + 1, failure.random),
  };
}
