import { describe, expect, it } from 'vitest';
import { longestReplicaWaitMs, replicaWaitMs, retryAfterOf } from '../../../src-main/domain/replica-retry.ts';

const wait = (
  code: Parameters<typeof replicaWaitMs>[0]['code'],
  failures: number,
  retryAfterMs: number | null = null,
) => replicaWaitMs({ code, failures, retryAfterMs, random: 0.5 });

describe('the wait before another try of a copy', () => {
  it('is short for a store that does not answer, longer for a full one, and long for what a person must change', () => {
    for (const failures of [1, 5, 50]) {
      expect(wait('store.unreachable', failures)).toBeLessThan(wait('store.full', failures));
      expect(wait('store.full', failures)).toBeLessThan(wait('store.forbidden', failures));
    }
    expect(wait('store.unreachable', 50)).toBe(60_000);
    expect(wait('store.not_found', 1)).toBe(wait('store.forbidden', 1));
  });

  it('is never less than the store asked for, and never longer than the longest', () => {
    expect(wait('store.unreachable', 1, 90_000)).toBe(90_000);
    expect(wait('store.unreachable', 1, 1)).toBe(wait('store.unreachable', 1));
    expect(wait('store.unreachable', 1, Number.MAX_SAFE_INTEGER)).toBe(longestReplicaWaitMs);
    expect(retryAfterOf({ retryAfterMs: 5_000 })).toBe(5_000);
    for (const value of ['5', -1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined]) {
      expect(retryAfterOf({ retryAfterMs: value })).toBeNull();
    }
  });
});
