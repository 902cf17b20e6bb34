/** Tests what the overview says of the day, of what runs, of what waits and for whom. */
import { describe, expect, it } from 'vitest';
import type { StageView } from '../../../src-main/contract/views/state.ts';
import {
  causeRoute,
  channelMark,
  dayWords,
  leftWords,
  runningRows,
  stageHref,
  waitingRows,
} from '../../../src-renderer/views/overview/overview-model.ts';
import { channelFixture, jobFixture, rowFixture } from '../../support/view-fixtures.ts';

function stage(name: StageView['stage'], more: Partial<StageView> = {}): StageView {
  const none = { startedAtMs: null, finishedAtMs: null, done: null, total: null, progress: null, note: null };
  return { stage: name, state: 'running', ...none, ...more };
}

describe('the overview', () => {
  it('sums up the day', () => {
    const day = { deploysToday: 41, medianJourneyMs: 266_000, p95JourneyMs: 478_000 };
    expect(dayWords(day)).toBe('41 deploys today · commit to all machines 4:26 median, 7:58 p95');
    expect(dayWords({ deploysToday: 0, medianJourneyMs: null, p95JourneyMs: null })).toBe('no deploy today');
  });

  it('leads from a count to its cause: the job where the job is the cause, else the repository', () => {
    const job = jobFixture({ status: 'failed' });
    const built = rowFixture({ state: 'failed', latestJob: job });
    expect(causeRoute([built], 'failed')).toEqual({ view: 'job', jobId: job.id });
    const unreachable = rowFixture({ state: 'failed', latestJob: jobFixture({ status: 'succeeded' }) });
    expect(causeRoute([unreachable], 'failed')).toEqual({ view: 'repository', repositoryId: unreachable.id });
  });

  it('links stages to where their work is seen', () => {
    const job = jobFixture();
    expect(stageHref({ latestJob: job }, 'build')).toBe(`#/jobs/${job.id}`);
    expect(stageHref({ latestJob: null }, 'build')).toBeNull();
    expect(stageHref({ latestJob: null }, 'regions')).toBe('#/regions');
  });

  it('marks a channel that is held or still rolling out, and no other', () => {
    expect(channelMark(channelFixture())).toBeNull();
    expect(channelMark(channelFixture({ serial: null, machinesOnIt: 0 }))).toBeNull();
    expect(channelMark(channelFixture({ pausedReason: 'rolled back' }))?.state).toBe('stale');
    expect(channelMark(channelFixture({ machinesOnIt: 7 }))).toMatchObject({
      state: 'running',
      words: '7 of 12 machines on it',
    });
  });

  it('lists what runs with its stage, then what moves on after the build', () => {
    const building = jobFixture({ status: 'running', currentStep: 'Upload', workerName: 'worker 1' });
    const rolling = rowFixture({
      latestJob: jobFixture(),
      track: [stage('machines', { done: 7, total: 12, startedAtMs: 5 })],
    });
    const repositories = [rowFixture({ latestJob: building, track: [stage('store')] }), rolling, rowFixture()];
    const rows = runningRows({ running: [building], repositories });
    expect(rows.map(row => [row.stage, row.words])).toEqual([
      ['store', 'Upload'],
      ['machines', '7 of 12 switched'],
    ]);
  });

  it('lists the queue in order, then what waits for a person', () => {
    const queued = jobFixture({
      status: 'queued',
      position: 1,
      waitingFor: { kind: 'workers_busy', text: 'all 2 workers are busy', job: null },
      etaMs: 9,
    });
    const cut = rowFixture({ latestJob: jobFixture({ status: 'interrupted', currentStep: 'migrate' }) });
    const rows = waitingRows({ waiting: [queued], repositories: [cut] });
    expect(rows.map(row => [row.place, row.waitsFor, row.needsPerson])).toEqual([
      ['1', 'all 2 workers are busy', false],
      ['–', 'you: migrate was cut off', true],
    ]);
  });

  it('says what is left, and by how much a build is over', () => {
    expect(leftWords(null, 0)).toBe('');
    expect(leftWords(55_000, 0)).toBe('55 s left');
    expect(leftWords(0, 20_000)).toBe('20 s over');
  });
});
