import { describe, expect, test } from 'vitest';
import { createStepProgress, describeProgress } from '../../../src-main/worker/step-progress.ts';

const mebibyte = 1024 * 1024;

test.each([
  [0, 1_000, '0 B of 1.05 GiB, 0 B/s'],
  [420, 2_000, '420 MiB of 1.05 GiB, 210 MiB/s, about 3 s to go'],
  [42, 20_000, '42.0 MiB of 1.05 GiB, 2.10 MiB/s, about 8 min to go'],
  [1, 60_000, '1.00 MiB of 1.05 GiB, 17.1 KiB/s, about 17 h 54 min to go'],
  [1075, 5_000, '1.05 GiB of 1.05 GiB, 215 MiB/s'],
])('%d MiB after %d ms reads as a person would say it', (done, elapsedMs, expected) => {
  expect(describeProgress(done * mebibyte, 1075 * mebibyte, elapsedMs)).toBe(expected);
});

describe('a step', () => {
  /** Reports once for each of `times`, in milliseconds since the begin; returns when something was told. */
  async function toldAt(times: readonly number[]): Promise<number[]> {
    let now = 50;
    const told: number[] = [];
    const progress = createStepProgress(
      () => now,
      async () => {
        told.push(now - 50);
      },
    );
    for (const time of times) {
      now = 50 + time;
      progress.report(1, 2);
      // What is told has been told when the queue of callbacks is empty.
      await new Promise(resolve => setImmediate(resolve));
    }
    await progress.settle();
    expect(progress.hasTold()).toBe(told.length > 0);
    progress.report(2, 2);
    return told;
  }

  test('that is short tells nothing', async () => {
    expect(await toldAt([0, 500, 999])).toEqual([]);
  });

  test('tells once a second, and less often the longer it takes', async () => {
    expect(await toldAt([999, 1_000, 1_500, 2_000, 2_100])).toEqual([1_000, 2_000]);
    const hour = await toldAt(Array.from({ length: 36_000 }, (_, tenth) => tenth * 100));
    expect(hour.length).toBeLessThan(300);
  });

  test('tells one thing at a time, and is not held up by what cannot be told', async () => {
    let fail: (error: Error) => void = () => undefined;
    let calls = 0;
    let now = 0;
    const progress = createStepProgress(
      () => now,
      () => {
        calls += 1;
        return new Promise((_, reject) => {
          fail = reject;
        });
      },
    );
    now = 1_000;
    progress.report(1, 2);
    now = 9_000;
    progress.report(1, 2);
    expect(calls).toBe(1);
    fail(new Error('the database is locked'));
    await progress.settle();
    progress.report(1, 2);
    expect(calls).toBe(1);
  });
});
