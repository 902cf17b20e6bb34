/** Owns how repositories are shown: one row of the board, one repository in detail, the overview. */

import type { AlertSwitches } from '../../contract/alerts.ts';
import { machineReportSchema } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { planSchema } from '../../contract/plan.ts';
import { rolloutRequestSchema } from '../../contract/rollout.ts';
import type { Overview } from '../../contract/views/engine.ts';
import type { ChannelSummary } from '../../contract/views/release.ts';
import type { Polling, RepositoryDetail, RepositoryRow } from '../../contract/views/repository.ts';
import type { VisualState } from '../../contract/views/state.ts';
import { readAlertSwitches } from '../../database/alert-switches.ts';
import { type BuildWithPack, findBuild, listBuilds, listBuildsById } from '../../database/builds.ts';
import type { JobRecord } from '../../database/job-queue.ts';
import { listJobs, listJobsById, listNewestJobs } from '../../database/jobs.ts';
import { errorFromJson, fromJson } from '../../database/json-column.ts';
import { countReleasesSince } from '../../database/releases.ts';
import { branchStateOf, type RepositoryRecord, sourceOptionsOf } from '../../database/repositories.ts';
import { countWaiting, listWaitingRepositories } from '../../database/waiting-jobs.ts';
import { summarise } from '../../domain/track.ts';
import { percentile } from '../../domain/waiting.ts';
import type { Engine } from '../../engine.ts';
import { hostOfUrl } from '../../poller/poll-schedule.ts';
import { buildView } from './build-views.ts';
import { type JobFacts, jobFacts, jobSummaries, jobSummary, jobTrack } from './job-views.ts';
import { releaseViews } from './release-views.ts';
import { type ChannelState, type Snapshot, takeSnapshot } from './snapshot.ts';

/** Worst first, as the board lists them. */
const severity: Readonly<Record<VisualState, number>> = { failed: 0, stale: 1, running: 2, pending: 3, verified: 4 };

export async function channelSummary(engine: Engine, snapshot: Snapshot, state: ChannelState): Promise<ChannelSummary> {
  return channelSummaryOf(snapshot, state, state.release ? await findBuild(engine.db, state.release.buildId) : null);
}

function channelSummaryOf(
  snapshot: Snapshot,
  { channel, release }: ChannelState,
  build: BuildWithPack | null,
): ChannelSummary {
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

/** What rows of the board are made of, read for all of them at once. */
interface RowFacts {
  readonly newest: ReadonlyMap<string, JobRecord>;
  readonly factsOf: (job: JobRecord) => JobFacts;
  readonly waiting: ReadonlySet<string>;
  /** What channels run. */
  readonly builds: ReadonlyMap<string, BuildWithPack>;
  readonly alertsOf: (repositoryId: string) => AlertSwitches;
}

async function rowFacts(
  { db }: Engine,
  jobs: readonly JobRecord[],
  channels: readonly ChannelState[],
): Promise<RowFacts> {
  return {
    newest: new Map(jobs.map(job => [job.repositoryId, job])),
    factsOf: await jobFacts(db, jobs),
    waiting: await listWaitingRepositories(db),
    builds: await listBuildsById(
      db,
      channels.flatMap(({ release }) => (release ? [release.buildId] : [])),
    ),
    alertsOf: await readAlertSwitches(db),
  };
}

async function repositoryRow(
  engine: Engine,
  snapshot: Snapshot,
  repository: RepositoryRecord,
  facts: RowFacts,
): Promise<RepositoryRow> {
  const latest = facts.newest.get(repository.id);
  const track = latest ? await jobTrack(engine, snapshot, latest, facts.factsOf(latest)) : [];
  const pollError = errorFromJson(repository.pollError);
  const branchState = branchStateOf(repository);
  const unseenText = branchState.gone === null ? 'cannot be polled' : 'its branch is gone';
  const summary = latest ? summarise(track, latest.status) : ({ state: 'pending', text: 'no revision yet' } as const);
  const waiting = facts.waiting.has(repository.id) ? await countWaiting(engine.db, repository.id) : 0;
  const channels = snapshot.channels.filter(({ channel }) => channel.repositoryId === repository.id);
  return {
    id: repository.id,
    name: repository.name,
    vcs: repository.vcs,
    url: repository.url,
    branch: repository.branch,
    branchState,
    state: pollError && summary.state !== 'failed' ? 'stale' : summary.state,
    stateText: pollError && summary.state !== 'failed' ? unseenText : summary.text,
    pollError,
    checkupAtMs: repository.checkupAt,
    nextPollAtMs: repository.nextPollAt,
    polling: pollingOf(engine, repository),
    addedAtMs: repository.addedAt,
    latestJob: latest ? await jobSummary(engine, snapshot, latest, facts.factsOf(latest)) : null,
    moreWaiting: Math.max(0, waiting - (latest?.status === 'queued' ? 1 : 0)),
    queue: {
      concurrency: repository.concurrency,
      supersede: repository.supersede === 1,
      retryLimit: repository.retryLimit,
    },
    source: sourceOptionsOf(repository),
    alerts: facts.alertsOf(repository.id),
    track,
    channels: channels.map(state =>
      channelSummaryOf(snapshot, state, (state.release && facts.builds.get(state.release.buildId)) || null),
    ),
  };
}

export async function repositoryRows(engine: Engine, snapshot: Snapshot): Promise<RepositoryRow[]> {
  const facts = await rowFacts(engine, await listNewestJobs(engine.db), snapshot.channels);
  const rows = await Promise.all(
    [...snapshot.repositories.values()].map(repository => repositoryRow(engine, snapshot, repository, facts)),
  );
  return rows.sort((a, b) => severity[a.state] - severity[b.state] || b.addedAtMs - a.addedAtMs);
}

export async function rowOf(engine: Engine, id: string): Promise<RepositoryRow> {
  const snapshot = await takeSnapshot(engine);
  const repository = snapshot.repositories.get(id);
  if (!repository) throw new DomainError('not_found', `There is no repository ${id}.`, { id });
  return oneRow(engine, snapshot, repository);
}

async function oneRow(engine: Engine, snapshot: Snapshot, repository: RepositoryRecord): Promise<RepositoryRow> {
  const newest = await listJobs(engine.db, { repositoryId: repository.id, limit: 1 });
  const channels = snapshot.channels.filter(({ channel }) => channel.repositoryId === repository.id);
  return repositoryRow(engine, snapshot, repository, await rowFacts(engine, newest, channels));
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
    ...(await oneRow(engine, snapshot, repository)),
    jobs: await jobSummaries(engine, snapshot, jobs),
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
    running: await jobSummaries(engine, snapshot, snapshot.running),
    waiting: await jobSummaries(engine, snapshot, await listJobsById(engine.db, snapshot.queued.slice(0, 100))),
    deploysToday: await countReleasesSince(engine.db, midnight),
    medianJourneyMs: percentile(journeys, 0.5),
    p95JourneyMs: percentile(journeys, 0.95),
  };
}
