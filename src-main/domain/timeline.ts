/** Owns the times of the stages on the way of revisions: how long each took, medians, and which was slowest. No I/O. */
import type { PartTime, RevisionTimeline, StageTime, Timeline } from '../contract/timeline.ts';
import type { StageName } from '../contract/views/state.ts';
import { median } from './waiting.ts';

/** UTC milliseconds; null for what has not happened. */
export interface RevisionFacts {
  readonly job: Pick<RevisionTimeline, 'jobId' | 'number' | 'status' | 'revision'> & {
    readonly seenAt: number;
    readonly queuedAt: number;
    readonly startedAt: number | null;
    readonly packStartedAt: number | null;
    /** Of a job that made no build. */
    readonly failedAt: number | null;
  };
  readonly storedAt: number | null;
  readonly regions: readonly { readonly name: string; readonly verifiedAt: number | null }[];
  /** The first release of the build on each channel. */
  readonly releases: readonly {
    readonly channel: string;
    readonly serial: number;
    readonly createdAt: number;
    readonly machines: readonly { readonly name: string; readonly switchedAt: number | null }[];
  }[];
}

/** How long ago a commit was made before its push is its author's affair: what begins with the push is compared. */
const compared: readonly StageName[] = ['queue', 'build', 'store', 'regions', 'machines'];

function span(stage: StageName, startedAtMs: number | null, finishedAtMs: number | null): StageTime {
  const durationMs = startedAtMs === null || finishedAtMs === null ? null : Math.max(0, finishedAtMs - startedAtMs);
  return { stage, startedAtMs, finishedAtMs, durationMs };
}

/** The latest of them; null unless all are there, and for none. */
function lastOf(times: readonly (number | null)[]): number | null {
  const known = times.filter(time => time !== null);
  return known.length === 0 || known.length < times.length ? null : Math.max(...known);
}

function slowestOf(stages: readonly Pick<StageTime, 'stage' | 'durationMs'>[]): StageName | null {
  const known = stages.filter(({ stage, durationMs }) => compared.includes(stage) && durationMs !== null);
  if (known.length < 2) return null;
  return known.reduce((a, b) => ((b.durationMs ?? 0) > (a.durationMs ?? 0) ? b : a)).stage;
}

const since = (from: number | null, at: number | null): PartTime['durationMs'] =>
  from === null || at === null ? null : Math.max(0, at - from);

/** The way of one revision. Its machines stage begins with the first release of the build; waiting for a person is no stage. */
export function revisionTimeline({ job, storedAt, regions, releases }: RevisionFacts): RevisionTimeline {
  const { seenAt, queuedAt, startedAt, packStartedAt, failedAt, ...named } = job;
  const buildEnd = storedAt === null ? (packStartedAt ?? failedAt) : (packStartedAt ?? storedAt);
  const releasedAt = releases.length === 0 ? null : Math.min(...releases.map(release => release.createdAt));
  const switchedAt = lastOf(releases.flatMap(release => release.machines.map(machine => machine.switchedAt)));
  const stages = [
    span('commit', job.revision.committedAtMs, seenAt),
    span('queue', queuedAt, startedAt),
    span('build', startedAt, startedAt === null ? null : buildEnd),
    span('store', storedAt === null ? packStartedAt : (packStartedAt ?? storedAt), storedAt),
    span('regions', storedAt, lastOf(regions.map(region => region.verifiedAt))),
    span('machines', releasedAt, switchedAt),
  ];
  const arrived = stages[5]?.durationMs ?? stages[4]?.durationMs ?? 0;
  return {
    ...named,
    stages,
    regions: regions.map(({ name, verifiedAt }) => ({ name, durationMs: since(storedAt, verifiedAt) })),
    machines: releases.flatMap(({ channel, serial, createdAt, machines: of }) =>
      of.map(({ name, switchedAt: at }) => ({ channel, serial, name, durationMs: since(createdAt, at) })),
    ),
    totalMs: storedAt === null ? null : Math.max(0, storedAt - seenAt) + arrived,
    slowest: slowestOf(stages),
  };
}

/** The ways of several revisions, with the medians over them. */
export function timelineOf(revisions: readonly RevisionTimeline[]): Timeline {
  const stages = ['commit', ...compared] satisfies StageName[];
  const medians = stages.map(stage => {
    const times = revisions.flatMap(({ stages: of }) => of.find(one => one.stage === stage)?.durationMs ?? []);
    const middle = median(times);
    return { stage, durationMs: middle === null ? null : Math.round(middle) };
  });
  const total = median(revisions.flatMap(revision => revision.totalMs ?? []));
  return {
    revisions: [...revisions],
    medians,
    medianTotalMs: total === null ? null : Math.round(total),
    slowest: slowestOf(medians),
  };
}
