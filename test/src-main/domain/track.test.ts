import { describe, expect, it } from 'vitest';
import { summarise, type TrackFacts, trackOf } from '../../../src-main/domain/track.ts';

const job: TrackFacts['job'] = {
  status: 'queued',
  committedAt: 100,
  seenAt: 200,
  queuedAt: 210,
  startedAt: null,
  finishedAt: null,
  progress: null,
  note: null,
  packStartedAt: null,
};
const regions: TrackFacts['regions'] = { total: 3, verified: 0, failed: 0, progress: null, lastVerifiedAt: null };
const release = { createdAt: 600, machines: 2, switched: 0, failed: 0, lastSwitchedAt: null };
const built = { ...job, status: 'succeeded', startedAt: 300, packStartedAt: 400, finishedAt: 500 } as const;
const everywhere = { ...regions, verified: 3, lastVerifiedAt: 550 };

interface Case {
  readonly title: string;
  readonly facts: Partial<TrackFacts> & Pick<TrackFacts, 'job'>;
  /** commit, queue, build, store, regions, machines */
  readonly states: string;
  readonly summary: string;
}

const cases: readonly Case[] = [
  { title: 'waits', facts: { job }, states: 'passed running ahead ahead ahead ahead', summary: 'pending: waiting' },
  {
    title: 'was cancelled while it waited',
    facts: { job: { ...job, status: 'cancelled', finishedAt: 250 } },
    states: 'passed stale ahead ahead ahead ahead',
    summary: 'pending: cancelled',
  },
  {
    title: 'builds',
    facts: { job: { ...job, status: 'running', startedAt: 300 } },
    states: 'passed passed running ahead ahead ahead',
    summary: 'running: build',
  },
  {
    title: 'failed in a step',
    facts: { job: { ...job, status: 'failed', startedAt: 300, finishedAt: 350 } },
    states: 'passed passed failed ahead ahead ahead',
    summary: 'failed: build failed',
  },
  {
    title: 'was interrupted in a step',
    facts: { job: { ...job, status: 'interrupted', startedAt: 300, finishedAt: 350 } },
    states: 'passed passed stale ahead ahead ahead',
    summary: 'stale: needs you: interrupted',
  },
  {
    title: 'was cancelled in a step',
    facts: { job: { ...job, status: 'cancelled', startedAt: 300, finishedAt: 350 } },
    states: 'passed passed stale ahead ahead ahead',
    summary: 'pending: cancelled',
  },
  {
    title: 'is being packed and stored',
    facts: { job: { ...job, status: 'running', startedAt: 300, packStartedAt: 400 } },
    states: 'passed passed passed running ahead ahead',
    summary: 'running: store',
  },
  {
    title: 'could not be stored',
    facts: { job: { ...job, status: 'failed', startedAt: 300, packStartedAt: 400, finishedAt: 500 } },
    states: 'passed passed passed failed ahead ahead',
    summary: 'failed: store failed',
  },
  {
    title: 'is copied to regions',
    facts: { job: built, storedAt: 500, regions: { ...regions, verified: 1, progress: 0.5 } },
    states: 'passed passed passed passed running ahead',
    summary: 'running: regions',
  },
  {
    title: 'has a region that failed',
    facts: { job: built, storedAt: 500, regions: { ...regions, verified: 2, failed: 1 } },
    states: 'passed passed passed passed failed ahead',
    summary: 'failed: regions failed',
  },
  {
    title: 'is in every region, and not released',
    facts: { job: built, storedAt: 500, regions: everywhere },
    states: 'passed passed passed passed passed ahead',
    summary: 'verified: built',
  },
  {
    title: 'has no region to go to',
    facts: { job: built, storedAt: 500, regions: { ...regions, total: 0 } },
    states: 'passed passed passed passed passed ahead',
    summary: 'verified: built',
  },
  {
    title: 'is released to no machine',
    facts: { job: built, storedAt: 500, regions: everywhere, release: { ...release, machines: 0 } },
    states: 'passed passed passed passed passed ahead',
    summary: 'verified: built',
  },
  {
    title: 'reaches its machines',
    facts: { job: built, storedAt: 500, regions: everywhere, release: { ...release, switched: 1 } },
    states: 'passed passed passed passed passed running',
    summary: 'running: machines',
  },
  {
    title: 'failed on a machine',
    facts: { job: built, storedAt: 500, regions: everywhere, release: { ...release, switched: 1, failed: 1 } },
    states: 'passed passed passed passed passed failed',
    summary: 'failed: machines failed',
  },
  {
    title: 'runs on every machine',
    facts: {
      job: built,
      storedAt: 500,
      regions: everywhere,
      release: { ...release, switched: 2, lastSwitchedAt: 900 },
    },
    states: 'passed passed passed passed passed verified',
    summary: 'verified: afloat',
  },
];

describe('the track of a revision that', () => {
  it.each(cases)('$title', ({ facts, states, summary }) => {
    const track = trackOf({ storedAt: null, regions, release: null, ...facts });
    expect(track.map(stage => stage.stage)).toEqual(['commit', 'queue', 'build', 'store', 'regions', 'machines']);
    expect(track.map(stage => stage.state).join(' ')).toBe(states);
    const { state, text } = summarise(track, facts.job.status);
    expect(`${state}: ${text}`).toBe(summary);
  });

  it('arrived tells when each stage began and ended', () => {
    const facts = {
      job: built,
      storedAt: 500,
      regions: everywhere,
      release: { ...release, switched: 2, lastSwitchedAt: 900 },
    };
    const times = trackOf(facts).map(({ startedAtMs, finishedAtMs }) => [startedAtMs, finishedAtMs]);
    expect(times).toEqual([
      [100, 200],
      [210, 300],
      [300, 400],
      [400, 500],
      [500, 550],
      [600, 900],
    ]);
  });

  it('is on its way counts regions and machines', () => {
    const track = trackOf({
      job: built,
      storedAt: 500,
      regions: { ...regions, verified: 1, progress: 0.4 },
      release: { ...release, switched: 1 },
    });
    expect(track.slice(4).map(({ done, total, progress }) => ({ done, total, progress }))).toEqual([
      { done: 1, total: 3, progress: 0.4 },
      { done: 1, total: 2, progress: 0.5 },
    ]);
  });
});
