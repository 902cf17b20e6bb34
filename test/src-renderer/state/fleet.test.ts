/** Tests what the whole fleet looks like, and what a job's status is called. */
import { describe, expect, it } from 'vitest';
import { boardOrder, countStates, troubledJobs, windowTitle, worstState } from '../../../src-renderer/state/fleet.ts';
import { jobProgress, jobWords, ordinal } from '../../../src-renderer/state/job-words.ts';
import { jobFixture, rowFixture } from '../../support/view-fixtures.ts';

describe('the fleet', () => {
  it('orders worst first, the latest change first among equals, then by name', () => {
    const rows = [
      rowFixture({ name: 'done', state: 'verified' }),
      rowFixture({ name: 'old', state: 'failed', latestJob: jobFixture({ finishedAtMs: 10 }) }),
      rowFixture({ name: 'new', state: 'failed', latestJob: jobFixture({ finishedAtMs: 20 }) }),
      rowFixture({ name: 'waits', state: 'pending' }),
      rowFixture({ name: 'cut', state: 'stale' }),
      rowFixture({ name: 'afloat', state: 'verified' }),
    ];
    expect(boardOrder(rows).map(row => row.name)).toEqual(['new', 'old', 'cut', 'waits', 'afloat', 'done']);
  });

  it('titles the window by its worst state, shape first', () => {
    const counts = countStates([rowFixture({ state: 'failed' }), rowFixture({ state: 'running' })]);
    expect(worstState(counts)).toBe('failed');
    expect(windowTitle(counts, true)).toBe('✕ 1 failing – Slipway');
    expect(windowTitle(counts, false)).toBe('◌ offline – Slipway');
    expect(windowTitle(countStates([rowFixture()]), true)).toBe('● all afloat – Slipway');
    expect(windowTitle(countStates([]), true)).toBe('Slipway');
  });

  it('counts as troubled only jobs that failed or wait for a person', () => {
    const statuses = ['failed', 'interrupted', 'cancelled', 'succeeded'] as const;
    const rows = statuses.map(status => rowFixture({ latestJob: jobFixture({ status }) }));
    expect(troubledJobs([...rows, rowFixture()]).map(job => job.status)).toEqual(['failed', 'interrupted']);
  });
});

describe('a job', () => {
  it('is called by what happens to it', () => {
    expect(jobWords(jobFixture({ status: 'queued', position: 2 }))).toBe('2nd in line');
    expect(jobWords(jobFixture({ status: 'running', currentStep: 'Bundle' }))).toBe('Bundle');
    expect(jobWords(jobFixture({ status: 'failed', currentStep: 'Test' }))).toBe('Test failed');
    expect(jobWords(jobFixture({ status: 'cancelled' }))).toBe('cancelled');
  });

  it('has a share only while it runs and history tells its end', () => {
    const running = { status: 'running', startedAtMs: 100, etaMs: 200 } as const;
    expect(jobProgress(running, 150)).toBeCloseTo(0.5);
    expect(jobProgress(running, 900)).toBe(0.97);
    expect(jobProgress({ ...running, etaMs: null }, 150)).toBeNull();
    expect(jobProgress({ ...running, status: 'failed' }, 150)).toBeNull();
  });

  it.each([
    [1, '1st'],
    [2, '2nd'],
    [3, '3rd'],
    [4, '4th'],
    [11, '11th'],
    [12, '12th'],
    [21, '21st'],
    [112, '112th'],
  ])('place %d is %s', (place, words) => expect(ordinal(place)).toBe(words));
});
