import { describe, expect, it } from 'vitest';
import {
  afterAnswer,
  afterHostFailure,
  afterRefusal,
  easedHost,
  freshHost,
  slotsOf,
} from '../../../src-main/domain/poll-host.ts';
import { nextLookMs, type Pace, paceMs } from '../../../src-main/domain/poll-pace.ts';

const minute = 60_000;
const usual: Pace = { intervalMs: 10_000, isChosen: false, isLocal: false, stretch: 1, isActive: false };

describe('the pace of a repository', () => {
  it.each([
    ['is the usual one', {}, 10_000],
    ['is quicker after a push', { isActive: true }, 2_500],
    ['is never quicker than two seconds', { intervalMs: 4_000, isActive: true }, 2_000],
    ['stays as it is where it is quick already', { intervalMs: 1_000, isActive: true }, 1_000],
    ['is what a person chose, also after a push', { intervalMs: 60_000, isChosen: true, isActive: true }, 60_000],
    ['is slower where the host demands it', { stretch: 4 }, 40_000],
    ['is not quickened against the host', { stretch: 4, isActive: true }, 40_000],
    ['is a second for files of this machine', { isLocal: true }, 1_000],
  ])('%s', (_, change, expected) => {
    expect(paceMs({ ...usual, ...change })).toBe(expected);
  });

  it('spreads looks out, and makes none later than it should be', () => {
    expect(nextLookMs(usual, 0, 0)).toBe(10_000);
    expect(nextLookMs(usual, 0, 1)).toBe(9_000);
  });

  it('waits longer after each failure, and never less than usual', () => {
    expect(nextLookMs(usual, 1, 0)).toBe(10_000);
    expect(nextLookMs(usual, 3, 0.5)).toBe(40_000);
    expect(nextLookMs({ ...usual, isLocal: true }, 1, 0)).toBe(10_000);
    expect(nextLookMs(usual, 50, 0.5)).toBe(300_000);
  });
});

describe('what a host bears', () => {
  const tenPolls = () => 10;

  it('is held as long as it asks, and asked half as often from then on', () => {
    const refused = afterRefusal(freshHost, 90_000, 1_000);
    expect(refused).toMatchObject({ heldUntilMs: 91_000, stretch: 2, failures: 1 });
    expect(afterRefusal(refused, null, 2_000)).toMatchObject({ heldUntilMs: 62_000, stretch: 4 });
    expect(afterRefusal(freshHost, 10 * 86_400_000, 0).heldUntilMs).toBe(60 * minute);
  });

  it('comes back by half every ten minutes', () => {
    const refused = afterRefusal(afterRefusal(freshHost, 0, 0), 0, 0);
    expect(easedHost(refused, 9 * minute).stretch).toBe(4);
    expect(easedHost(refused, 10 * minute)).toMatchObject({ stretch: 2, easeAtMs: 20 * minute });
    expect(afterAnswer(easedHost(refused, 10 * minute), null, tenPolls, 20 * minute)).toMatchObject({
      stretch: 1,
      failures: 0,
    });
  });

  it('is stretched until what is left of its limit is enough', () => {
    const pollsUntilReset = (untilMs: number) => untilMs / 1_000;
    const limit = { remaining: 1_000, resetAtMs: 1_600_000 };
    expect(afterAnswer(freshHost, limit, pollsUntilReset, 0)).toMatchObject({
      stretch: 4,
      heldUntilMs: 0,
      easeAtMs: 1_600_000,
    });
    expect(afterAnswer(freshHost, { ...limit, remaining: 5_000 }, pollsUntilReset, 0)).toMatchObject({ stretch: 1 });
    expect(afterAnswer(freshHost, { ...limit, remaining: 1 }, pollsUntilReset, 0)).toMatchObject({
      heldUntilMs: 1_600_000,
    });
    expect(afterAnswer(freshHost, { ...limit, remaining: 0 }, pollsUntilReset, 1_700_000)).toMatchObject({
      heldUntilMs: 0,
      stretch: 1,
    });
  });

  it('is one request at a time while it does not answer', () => {
    expect(slotsOf(freshHost, 1)).toBe(8);
    expect(slotsOf(freshHost, 500)).toBe(20);
    expect(slotsOf(freshHost, 100_000)).toBe(40);
    expect(slotsOf(afterHostFailure(freshHost), 500)).toBe(1);
  });
});
