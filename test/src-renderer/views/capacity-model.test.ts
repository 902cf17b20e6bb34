/** What the capacity view says. */
import { expect, it } from 'vitest';
import type { CapacityEstimate } from '../../../src-main/contract/capacity.ts';
import {
  capacityHeading,
  decimalSize,
  measuredWords,
  seedLoad,
  sliderPlace,
  sliders,
  waitSummary,
} from '../../../src-renderer/views/capacity/capacity-model.ts';

const estimate = (workers: number): CapacityEstimate => ({
  load: seedLoad,
  secondsPerBuild: 1_500,
  buildsPerWorkerDay: 57.6,
  workersExact: 17.4,
  roundedBuildsPerWorkerDay: 50,
  roundedWorkers: 20,
  workers,
  steps: [],
  points: [17, 18, 25].map(number => ({
    workers: number,
    busyShare: 1,
    deploysPerDay: 1,
    meanWaitMs: number === 17 ? null : 1_000 * (30 - number),
    p95WaitMs: null,
  })),
});

it('has the README’s load on its sliders, and writes sizes as the formula does', () => {
  for (const slider of sliders) {
    expect(slider.values).toContain(seedLoad[slider.name]);
    expect(slider.values[sliderPlace(slider, seedLoad[slider.name])]).toBe(seedLoad[slider.name]);
    expect([...slider.values].sort((a, b) => a - b)).toEqual(slider.values);
    expect(sliderPlace(slider, 1e-3)).toBe(0);
  }
  expect([15e9, 1.5e6, 999, 1e15].map(decimalSize)).toEqual(['15 GB', '1.5 MB', '999 B', '1 PB']);
});

it('says how many workers are needed, and whether those that are there suffice', () => {
  expect(capacityHeading(estimate(25))).toBe('25 workers for 1,000 deploys a day');
  expect(waitSummary(estimate(25))).toContain('fewer than 18 workers never catch up; with 25');
  const measured = {
    sinceMs: 0,
    builds: 2,
    buildsPerDay: 48,
    meanBuildMs: 1,
    meanWaitMs: 1,
    meanSizeBytes: 1,
    estimate: estimate(3),
  };
  const view = { assumed: estimate(25), measured, workersNow: 3 };
  expect(measuredWords(view).state).toBe('verified');
  expect(measuredWords({ ...view, workersNow: 2 })).toMatchObject({
    state: 'stale',
    text: expect.stringContaining('only 2'),
  });
  expect(measuredWords({ ...view, measured: null }).state).toBe('pending');
});
