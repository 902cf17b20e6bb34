/** Tests where the hull of a track is and what stands under its stages. */
import { describe, expect, it } from 'vitest';
import type { StageName, StageView } from '../../../src-main/contract/views/state.ts';
import { stageNames, trackModel } from '../../../src-renderer/ui/track-model.ts';

const now = 1_000_000_000;

function stage(name: StageName, state: StageView['state'], more: Partial<StageView> = {}): StageView {
  const none = { startedAtMs: null, finishedAtMs: null, done: null, total: null, progress: null, note: null };
  return { stage: name, state, ...none, ...more };
}

/** The given stages, and the rest of the way ahead. */
function track(...given: StageView[]): readonly StageView[] {
  return [...given, ...stageNames.slice(given.length).map(name => stage(name, 'ahead'))];
}

const took = (ms: number) => ({ startedAtMs: now - 60_000 - ms, finishedAtMs: now - 60_000 });
const passed = (name: StageName, ms: number, more: Partial<StageView> = {}) =>
  stage(name, 'passed', { ...took(ms), ...more });

describe('trackModel', () => {
  it('puts the hull at the share of the running stage, with its time under it', () => {
    const build = stage('build', 'running', { startedAtMs: now - 72_000, progress: 0.6 });
    const model = trackModel(track(passed('commit', 7_000), passed('queue', 3_000), build), now);
    expect(model).toMatchObject({ liveIndex: 2, liveState: 'running', reachedIndex: 2, afloat: false });
    expect(model.hullX).toBeCloseTo(((2 + 0.6) / 6) * 100);
    expect(model.labels.map(label => label.text)).toEqual(['7 s', '3 s', '1:12 of 2:00']);
    expect(model.words).toBe('running at build: 1:12 of 2:00');
  });

  it('shows a queue that runs as a wait, with a hollow hull', () => {
    const queue = stage('queue', 'running', { startedAtMs: now - 40_000, note: '1st in line' });
    const model = trackModel(track(passed('commit', 8_000), queue), now);
    expect(model.liveState).toBe('pending');
    expect(model.labels.at(-1)).toEqual({ stage: 'queue', text: '1st in line', extra: null, state: 'pending' });
  });

  it('stops at the failed stage and labels nothing after it', () => {
    const model = trackModel(track(passed('commit', 1_000), passed('queue', 1_000), stage('build', 'failed')), now);
    expect(model.liveState).toBe('failed');
    expect(model.labels.map(label => label.stage)).toEqual(['commit', 'queue', 'build']);
    expect(model.labels.at(-1)?.text).toBe('failed');
  });

  it('counts parts, with the time as what may fall away', () => {
    const stages = [
      ...stageNames.slice(0, 4).map(name => passed(name, 1_000)),
      passed('regions', 52_000, { done: 7, total: 7 }),
      stage('machines', 'running', { done: 7, total: 12 }),
    ];
    const model = trackModel(stages, now);
    expect(model.labels.find(label => label.stage === 'regions')).toMatchObject({ text: '7/7', extra: ' · 52 s' });
    expect(model.labels.at(-1)?.text).toBe('7/12');
    expect(model.hullX).toBeCloseTo(((5 + 7 / 12) / 6) * 100);
  });

  it('is afloat only when the last stage is verified', () => {
    const done = stageNames.map(name => (name === 'machines' ? stage(name, 'verified') : passed(name, 1_000)));
    expect(trackModel(done, now)).toMatchObject({ afloat: true, liveIndex: null, hullX: 100, reachedIndex: 5 });
    const unreleased = track(passed('commit', 1_000), passed('queue', 1_000), passed('build', 1_000));
    expect(trackModel(unreleased, now)).toMatchObject({ afloat: false, liveIndex: null, reachedIndex: 2 });
  });

  it('keeps the hull off the nodes, whatever progress says', () => {
    for (const progress of [0, 1]) {
      const model = trackModel(track(stage('commit', 'running', { progress })), now);
      expect(model.hullX).toBeGreaterThan(0);
      expect(model.hullX).toBeLessThan(100 / 6);
    }
  });

  it('has nothing to show before the first revision', () => {
    expect(trackModel(track(), now)).toMatchObject({ reachedIndex: -1, labels: [], words: 'not started' });
    expect(trackModel([], now)).toMatchObject({ reachedIndex: -1, labels: [] });
  });
});
