/** How many workers a load needs, and what waiting to expect. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateCapacity } from '../../../src-main/domain/capacity.ts';
import { waitOf, waitProbabilities } from '../../../src-main/domain/erlang.ts';

const seed = { deploysPerDay: 1_000, sizeBytes: 15e9, bytesPerSecond: 10e6 };

describe('the formula', () => {
  it('1000 deploys a day of 15 GB at 10 MB/s need 17.4 workers, 25 with the safety quarter', () => {
    const estimate = estimateCapacity(seed);
    expect(estimate.secondsPerBuild).toBe(1_500);
    expect(estimate.buildsPerWorkerDay).toBeCloseTo(57.6, 10);
    expect(estimate.workersExact).toBeCloseTo(17.36, 2);
    expect(estimate).toMatchObject({ roundedBuildsPerWorkerDay: 50, roundedWorkers: 20, workers: 25 });
    expect(estimate.steps.map(({ formula, result }) => `${formula} = ${result}`)).toEqual([
      '15 GB ÷ 10 MB/s = 1,500 s',
      '86,400 s ÷ 1,500 s = 57.6',
      '1,000 deploys ÷ 57.6 = 17.4',
      '1,000 deploys ÷ 50, rounded up = 20',
      '20 × 1.25, rounded up = 25',
    ]);
  });

  it('rounding never promises more than there is', () => {
    const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(positive, positive, positive, (deploysPerDay, sizeBytes, bytesPerSecond) => {
        const estimate = estimateCapacity({ deploysPerDay, sizeBytes, bytesPerSecond });
        expect(estimate.roundedBuildsPerWorkerDay).toBeLessThanOrEqual(estimate.buildsPerWorkerDay * (1 + 1e-9));
        expect(estimate.workers).toBeGreaterThanOrEqual(estimate.workersExact * (1 - 1e-9));
        expect(estimate.points.every(({ busyShare }) => busyShare <= 1)).toBe(true);
      }),
    );
  });

  it('rounds small figures too, and draws no curve for more workers than anybody has', () => {
    expect(estimateCapacity({ deploysPerDay: 1, sizeBytes: 288e9, bytesPerSecond: 1e6 })).toMatchObject({
      roundedBuildsPerWorkerDay: 0.3,
      roundedWorkers: 4,
      workers: 5,
    });
    expect(estimateCapacity({ deploysPerDay: 1e7, sizeBytes: 1e15, bytesPerSecond: 1 }).points).toEqual([]);
  });
});

describe('the queueing estimate', () => {
  const probability = (offered: number, workers: number) => {
    let number = 0;
    for (const value of waitProbabilities(offered)) if (++number === workers) return value;
    return Number.NaN;
  };

  it('is Erlang’s C: one worker waits as M/M/1 says, and two as the closed form does', () => {
    expect(probability(0.8, 1)).toBeCloseTo(0.8, 12);
    // C(2, a) = a² / (2 + a). Source: Kleinrock, Queueing Systems, vol. 1, 3.4.
    expect(probability(1, 2)).toBeCloseTo(1 / 3, 12);
    expect(probability(1.5, 2)).toBeCloseTo(2.25 / 3.5, 12);
    expect(probability(20, 10)).toBe(1);
    expect(probability(5_000, 5_100)).toBeGreaterThan(0);
  });

  it('agrees with a queue that is played through', () => {
    // A linear congruential generator (Knuth's MMIX), so that the run is the same everywhere.
    let state = 1n;
    const random = () => {
      state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn;
      return (Number(state >> 11n) + 1) / 2 ** 53;
    };
    const spread = (mean: number) => -Math.log(random()) * mean;
    const free = [0, 0, 0, 0];
    let at = 0;
    let waited = 0;
    const jobs = 200_000;
    for (let job = 0; job < jobs; job += 1) {
      at += spread(1);
      free.sort((a, b) => a - b);
      const begin = Math.max(at, free[0] ?? 0);
      waited += begin - at;
      free[0] = begin + spread(3);
    }
    const expected = waitOf({ perSecond: 1, secondsPerBuild: 3 }, 4, probability(3, 4));
    expect(waited / jobs / (expected?.meanSeconds ?? 0)).toBeGreaterThan(0.93);
    expect(waited / jobs / (expected?.meanSeconds ?? 0)).toBeLessThan(1.07);
  });

  it('says that the queue grows without end where too few work, and that waits shrink with more', () => {
    const { points } = estimateCapacity(seed);
    expect(points.map(({ workers }) => workers)).toEqual(Array.from({ length: 38 }, (_, index) => index + 1));
    expect(points[16]).toMatchObject({ workers: 17, meanWaitMs: null, busyShare: 1 });
    expect(points[16]?.deploysPerDay).toBeCloseTo(979.2, 5);
    const waits = points.slice(17).map(({ meanWaitMs }) => meanWaitMs ?? Number.NaN);
    expect([...waits].sort((a, b) => b - a)).toEqual(waits);
    expect(points[24]?.deploysPerDay).toBe(1_000);
    // With 25 workers a deploy waits half a minute on average, and 19 of 20 wait less than four minutes.
    expect(points[24]?.meanWaitMs).toBeLessThan(30_000);
    expect(points[24]?.p95WaitMs).toBeLessThan(240_000);
  });
});
