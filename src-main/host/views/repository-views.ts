/** Owns how repositories are shown: one row of the board, one repository in detail, the overview. */

import { machineReportSchema } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { planSchema } from '../../contract/plan.ts';
import { rolloutRequestSchema } from '../../contract/rollout.ts';
import type { Overview } from '../../contract/views/engine.ts';
import type { ChannelSummary } from '../../contract/views/release.ts';
import type { Polling, RepositoryDetail, RepositoryRow } from '../../contract/views/repository.ts';
import type { VisualState } from '../../contract/views/state.ts';
import { findBuild, listBuilds } from '../../database/builds.ts';
import { listJobs, listJobsById } from '../../database/jobs.ts';
import { errorFromJson, fromJson } from '../../database/json-column.ts';
import { countReleasesSince } from '../../database/releases.ts';
import { type RepositoryRecord, sourceOptionsOf } from '../../database/repositories.ts';
import { countWaiting } from '../../database/waiting-jobs.ts';
import { summarise } from '../../domain/track.ts';
import { percentile } from '../../domain/waiting.ts';
import type { Engine } from '../../engine.ts';
import { hostOfUrl } from '../../poller/poll-schedule.ts';
import { buildView } from './build-views.ts';
import { jobSummary, jobTrack } from './job-views.ts';
import { releaseViews } from './release-views.ts';
import { type ChannelState, type Snapshot, takeSnapshot } from './snapshot.ts';

/** Worst first, as the board lists them. */
const severity: Readonly<Record<VisualState, number>> = { failed: 0, stale: 1, running: 2, pending: 3, verified: 4 };

export async function channelSummary(
  engine: Engine,
  snapshot: Snapshot,
  { channel, release }: ChannelState,
): Promise<ChannelSummary> {
  const build = release ? await findBuild(engine.db, release.buildId) : null;
  const machines = snapshot.machines.filter(
    machine =>
      machine.repositoryId === channel.repositoryId && machine.channel === channel.name && machine.enrolledAt !== null,
  );
  const onIt = machines.filter(machine => {
    const report = fromJson(machineReportSchema, machine.report);
    return report !== null && release !== null && report.phase === 'active' && report.serial === release.serial;
  });
  return {
    id: channel.id,
    name: channel.name,
    policy: channel.policy,
    pausedReason: channel.pausedReason,
    frozenReason: channel.frozenReason,
    rollout: fromJson(rolloutRequestSchema, channel.rollout),
    serial: release?.serial ?? null,
    revision: build?.revision ?? null,
    artifactId: build?.artifactId ?? null,
    machinesOnIt: onIt.length,
    machinesTotal: machines.length,
  };
}

function pollingOf(engine: Engine, { id, url, pollIntervalMs }: RepositoryRecord): Polling {
  const pace = engine.poller.paceOf(id);
  return {
    chosenMs: pollIntervalMs,
    everyMs: Math.round(pace?.paceMs ?? pollIntervalMs ?? engine.pollIntervalMs),
    host: pace?.host.host ?? hostOfUrl(url),
    stretch: pace?.host.stretch ?? 1,
    heldUntilMs: pace?.host.heldUntilMs ?? null,
  };
}

export async function repositoryRow(
  engine: Engine,
  snapshot: Snapshot,
  repository: RepositoryRecord,
): Promise<RepositoryRow> {
  const [latest] = await listJobs(engine.db, { repositoryId: repository.id, limit: 1 });
  const track = latest ? await jobTrack(engine, snapshot, latest) : [];
  const pollError = errorFromJson(repository.pollError);
  const summary = latest ? summarise(track, latest.status) : ({ state: 'pending', text: 'no revision yet' } as const);
  const waiting = await countWaiting(engine.db, repository.id);
  const channels = snapshot.channels.filter(({ channel }) => channel.repositoryId === repository.id);
  return {
    id: repository.id,
    name: repository.name,
    vcs: repository.vcs,
    url: repository.url,
    branch: repository.branch,
    state: pollError && summary.state !== 'failed' ? 'stale' : summary.state,
    stateText: pollError && summary.state !== 'failed' ? 'cannot be polled' : summary.text,
    pollError,
    checkupAtMs: repository.checkupAt,
    nextPollAtMs: repository.nextPollAt,
    polling: pollingOf(engine, repository),
    addedAtMs: repository.addedAt,
    latestJob: latest ? await jobSummary(engine, snapshot, latest) : null,
    moreWaiting: Math.max(0, waiting - (latest?.status === 'queued' ? 1 : 0)),
    queue: {
      concurrency: repository.concurrency,
      supersede: repository.supersede === 1,
      retryLimit: repository.retryLimit,
    },
    source: sourceOptionsOf(repository),
    track,
    channels: await Promise.all(channels.map(state => channelSummary(engine, snapshot, state))),
  };
}

export async function repositoryRows(engine: Engine, snapshot: Snapshot): Promise<RepositoryRow[]> {
  const rows = await Promise.all(
    [...snapshot.repositories.values()].map(repository => repositoryRow(engine, snapshot, repository)),
  );
  return rows.sort((a, b) => severity[a.state] - severity[b.state] || b.addedAtMs - a.addedAtMs);
}

export async function rowOf(engine: Engine, id: string): Promise<RepositoryRow> {
  const snapshot = await takeSnapshot(engine);
  const repository = snapshot.repositories.get(id);
  if (!repository) throw new DomainError('not_found', `There is no repository ${id}.`, { id });
  return repositoryRow(engine, snapshot, repository);
}

export async function repositoryDetail(engine: Engine, id: string): Promise<RepositoryDetail> {
  const snapshot = await takeSnapshot(engine);
  const repository = snapshot.repositories.get(id);
  if (!repository) throw new DomainError('not_found', `There is no repository ${id}.`, { id });
  const jobs = await listJobs(engine.db, { repositoryId: id, limit: 50 });
  const builds = await listBuilds(engine.db, { repositoryId: id, limit: 50 });
  const channels = snapshot.channels.filter(({ channel }) => channel.repositoryId === id);
  const releases = await Promise.all(channels.map(({ channel }) => releaseViews(engine, snapshot, channel)));
  const planned = jobs.find(job => job.plan !== null);
  return {
    ...(await repositoryRow(engine, snapshot, repository)),
    jobs: await Promise.all(jobs.map(job => jobSummary(engine, snapshot, job))),
    builds: await Promise.all(builds.map(build => buildView(engine, snapshot, build))),
    releases: releases.flat().sort((a, b) => b.createdAtMs - a.createdAtMs),
    plan: fromJson(planSchema, planned?.plan ?? null),
  };
}

export async function overview(engine: Engine): Promise<Overview> {
  const snapshot = await takeSnapshot(engine);
  const repositories = await repositoryRows(engine, snapshot);
  const journeys = repositories.flatMap(row => {
    const start = row.track[0]?.finishedAtMs;
    const end = row.track.at(-1)?.state === 'verified' ? row.track.at(-1)?.finishedAtMs : null;
    return start && end ? [Math.max(0, end - start)] : [];
  });
  const midnight = new Date(snapshot.now).setHours(0, 0, 0, 0);
  return {
    repositories,
    running: await Promise.all(snapshot.running.map(job => jobSummary(engine, snapshot, job))),
    waiting: await Promise.all(
      (await listJobsById(engine.db, snapshot.queued.slice(0, 100))).map(job => jobSummary(engine, snapshot, job)),
    ),
    deploysToday: await countReleasesSince(engine.db, midnight),
    medianJourneyMs: percentile(journeys, 0.5),
    p95JourneyMs: percentile(journeys, 0.95),
  };
}
