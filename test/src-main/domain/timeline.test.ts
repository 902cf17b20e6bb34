/** The times of the stages on the way of revisions. */
import { expect, it } from 'vitest';
import { type RevisionFacts, revisionTimeline, timelineOf } from '../../../src-main/domain/timeline.ts';

const facts = (more: Partial<RevisionFacts> = {}): RevisionFacts => ({
  job: {
    jobId: '0198f000-0000-7000-8000-000000000001',
    number: 1,
    status: 'succeeded',
    revision: { revision: 'abc', subject: 'x', authorName: 'Ada', committedAtMs: 0 },
    seenAt: 100_000,
    queuedAt: 100_100,
    startedAt: 101_000,
    packStartedAt: 161_000,
    failedAt: null,
  },
  storedAt: 165_000,
  regions: [
    { name: 'Hamina', verifiedAt: 170_000 },
    { name: 'Oregon', verifiedAt: 175_000 },
  ],
  releases: [
    {
      channel: 'production',
      serial: 4,
      createdAt: 500_000,
      machines: [
        { name: 'web-1', switchedAt: 502_000 },
        { name: 'web-2', switchedAt: 507_000 },
      ],
    },
  ],
  ...more,
});
const times = (made: ReturnType<typeof revisionTimeline>) =>
  Object.fromEntries(made.stages.map(({ stage, durationMs }) => [stage, durationMs]));

it('gives each stage its time, and each region and machine its own', () => {
  const made = revisionTimeline(facts());
  expect(times(made)).toEqual({
    commit: 100_000,
    queue: 900,
    build: 60_000,
    store: 4_000,
    regions: 10_000,
    machines: 7_000,
  });
  expect(made.regions).toEqual([
    { name: 'Hamina', durationMs: 5_000 },
    { name: 'Oregon', durationMs: 10_000 },
  ]);
  expect(made.machines.map(({ name, durationMs }) => [name, durationMs])).toEqual([
    ['web-1', 2_000],
    ['web-2', 7_000],
  ]);
  // Neither the author's time before the push, nor a person's before the release.
  expect(made.slowest).toBe('build');
  expect(made.totalMs).toBe(65_000 + 7_000);
});

it('leaves open what is still to come', () => {
  const made = revisionTimeline(
    facts({
      regions: [
        { name: 'Hamina', verifiedAt: 170_000 },
        { name: 'Oregon', verifiedAt: null },
      ],
      releases: [],
    }),
  );
  expect(times(made)).toMatchObject({ regions: null, machines: null, store: 4_000 });
  expect(made.totalMs).toBe(65_000);
  const { job } = facts();
  const failed = revisionTimeline(
    facts({ job: { ...job, packStartedAt: null, failedAt: 131_000 }, storedAt: null, regions: [], releases: [] }),
  );
  expect(times(failed)).toMatchObject({ build: 30_000, store: null });
  expect(failed).toMatchObject({ totalMs: null, slowest: 'build' });
  const waiting = revisionTimeline(
    facts({ job: { ...job, startedAt: null, packStartedAt: null }, storedAt: null, regions: [], releases: [] }),
  );
  expect(waiting).toMatchObject({ slowest: null, totalMs: null });
});

it('takes medians over those that have a time, and marks the slowest stage', () => {
  const slow = facts({ regions: [{ name: 'Hamina', verifiedAt: 465_000 }] });
  const timeline = timelineOf(
    [facts(), slow, facts({ storedAt: null, regions: [], releases: [] })].map(revisionTimeline),
  );
  expect(timeline.medians.find(({ stage }) => stage === 'regions')?.durationMs).toBe(10_000);
  expect(timeline.slowest).toBe('build');
  expect(timeline.revisions[1]?.slowest).toBe('regions');
  expect(timelineOf([])).toMatchObject({ revisions: [], slowest: null, medianTotalMs: null });
});
