import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecastStarts, type QueueState, startByRate } from '../../../src-main/domain/queue-forecast.ts';

/** `a1` is a job of repository `a`. */
const jobs = (...ids: readonly string[]) => ids.map(id => ({ id, repositoryId: id[0] ?? '', notBefore: 0 }));
const usual: Readonly<Record<string, number | null>> = { a: 100, b: 50, c: 10 };

function play(state: Partial<QueueState>): Record<string, number> {
  const played = forecastStarts({
    now: 1_000,
    workers: 1,
    running: [],
    waiting: [],
    capOf: () => 1,
    usualMsOf: id => usual[id] ?? null,
    ...state,
  });
  return Object.fromEntries(played);
}

describe('the queue played forward', () => {
  it('starts one after the other on one worker', () => {
    expect(play({ waiting: jobs('a1', 'b1', 'c1') })).toEqual({ a1: 1_000, b1: 1_100, c1: 1_150 });
  });

  it('waits for what runs', () => {
    const running = [{ repositoryId: 'b', endsAt: 1_030 }];
    expect(play({ running, waiting: jobs('a1') })).toEqual({ a1: 1_030 });
  });

  it('lets another repository pass one that is at its cap', () => {
    expect(play({ workers: 2, waiting: jobs('a1', 'a2', 'c1') })).toEqual({ a1: 1_000, c1: 1_000, a2: 1_100 });
    expect(play({ workers: 2, waiting: jobs('a1', 'a2', 'c1'), capOf: () => 2 })).toEqual({
      a1: 1_000,
      a2: 1_000,
      c1: 1_100,
    });
  });

  it('holds a line behind a first job that waits for its time', () => {
    const waiting = jobs('a1', 'a2', 'b1').map(job => (job.id === 'a1' ? { ...job, notBefore: 5_000 } : job));
    expect(play({ waiting })).toEqual({ b1: 1_000, a1: 5_000, a2: 5_100 });
  });

  it('tells nothing that depends on a build without history', () => {
    expect(play({ waiting: jobs('x1', 'a1') })).toEqual({ x1: 1_000 });
    expect(play({ workers: 2, waiting: jobs('x1', 'a1', 'x2', 'b1') })).toEqual({ x1: 1_000, a1: 1_000, b1: 1_100 });
    expect(play({ running: [{ repositoryId: 'x', endsAt: null }], waiting: jobs('a1') })).toEqual({});
    expect(play({ workers: 0, waiting: jobs('a1') })).toEqual({});
  });

  it('goes on by rate behind what was played', () => {
    const starts = new Map([
      ['a1', 1_000],
      ['a2', 1_100],
    ]);
    expect(startByRate(starts, 2, 3, 1_000)).toBe(1_150);
    expect(startByRate(starts, 2, 102, 1_000)).toBe(6_100);
    expect(startByRate(starts, 3, 102, 1_000)).toBeNull();
    expect(startByRate(new Map(), 0, 1, 1_000)).toBeNull();
  });
});

const letters = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const anyState = fc
  .record({
    workers: fc.nat(5),
    lines: fc.array(fc.tuple(letters, fc.nat(3_000)), { maxLength: 60 }),
    running: fc.array(fc.record({ repositoryId: letters, endsAt: fc.option(fc.integer({ min: 1_000, max: 4_000 })) }), {
      maxLength: 6,
    }),
    cap: fc.integer({ min: 1, max: 3 }),
    usual: fc.dictionary(letters, fc.option(fc.nat(500))),
  })
  .map(
    ({ workers, lines, running, cap, usual: times }): QueueState => ({
      now: 1_000,
      workers,
      running,
      waiting: lines.map(([repositoryId, notBefore], index) => ({
        id: `${repositoryId}${index}`,
        repositoryId,
        notBefore,
      })),
      capOf: () => cap,
      usualMsOf: id => times[id] ?? null,
    }),
  );

it('never tells a start before now, nor before the one in front in the same repository', () => {
  fc.assert(
    fc.property(anyState, state => {
      const starts = forecastStarts(state);
      const last = new Map<string, number>();
      for (const { id, repositoryId, notBefore } of state.waiting) {
        const before = last.get(repositoryId) ?? state.now;
        const at = starts.get(id) ?? Number.POSITIVE_INFINITY;
        expect(at).toBeGreaterThanOrEqual(Math.max(before, notBefore));
        last.set(repositoryId, at);
      }
    }),
  );
});

it('tells starts that grow with the place where nothing but workers is scarce, also behind what was played', () => {
  fc.assert(
    fc.property(anyState, fc.nat(40), (state, more) => {
      const waiting = state.waiting.map(job => ({ ...job, notBefore: 0 }));
      const starts = forecastStarts({ ...state, waiting, capOf: () => 1_000 });
      const inOrder = waiting.map(({ id }) => starts.get(id) ?? Number.POSITIVE_INFINITY);
      expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      const behind = startByRate(starts, waiting.length, waiting.length + more, state.now);
      if (behind !== null) expect(behind).toBeGreaterThanOrEqual(inOrder.at(-1) ?? state.now);
    }),
  );
});
