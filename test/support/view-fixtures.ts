/** Owns plain view objects for tests of the interface's models. */
import { usualAlerts } from '../../src-main/contract/alerts.ts';
import { defaultSourceOptions } from '../../src-main/contract/source-options.ts';
import type { BuildView } from '../../src-main/contract/views/build.ts';
import type { JobSummary } from '../../src-main/contract/views/job.ts';
import type { ChannelSummary, ReleaseView } from '../../src-main/contract/views/release.ts';
import type { RepositoryRow } from '../../src-main/contract/views/repository.ts';

let counter = 0;

/** A fresh id in the shape of a UUIDv7. */
export function fixtureId(): string {
  counter += 1;
  return `0198f000-0000-7000-8000-${String(counter).padStart(12, '0')}`;
}

export function jobFixture(more: Partial<JobSummary> = {}): JobSummary {
  return {
    id: fixtureId(),
    number: 1,
    repositoryId: fixtureId(),
    repositoryName: 'booking-api',
    branch: 'main',
    revision: { revision: '9f3c2e1', subject: 'Cache fares', authorName: 'Priya Raman', committedAtMs: 1 },
    trigger: 'poll',
    status: 'succeeded',
    attempt: 1,
    workerName: null,
    queuedAtMs: 1,
    startedAtMs: null,
    finishedAtMs: null,
    error: null,
    currentStep: null,
    position: null,
    waitingFor: null,
    etaMs: null,
    ...more,
  };
}

export function rowFixture(more: Partial<RepositoryRow> = {}): RepositoryRow {
  return {
    id: fixtureId(),
    name: 'booking-api',
    vcs: 'git',
    source: defaultSourceOptions,
    alerts: usualAlerts,
    url: 'https://git.example/booking-api.git',
    branch: 'main',
    state: 'verified',
    stateText: 'afloat',
    branchState: { gone: null, defaultBranch: 'main', formerDefault: null, rewritten: null },
    pollError: null,
    checkupAtMs: null,
    nextPollAtMs: null,
    polling: { chosenMs: null, everyMs: 10_000, host: 'https://git.example.com', stretch: 1, heldUntilMs: null },
    addedAtMs: 1,
    latestJob: null,
    moreWaiting: 0,
    queue: { concurrency: 1, supersede: false, retryLimit: 3 },
    track: [],
    channels: [],
    ...more,
  };
}

export function channelFixture(more: Partial<ChannelSummary> = {}): ChannelSummary {
  return {
    id: fixtureId(),
    name: 'production',
    policy: 'manual',
    pausedReason: null,
    frozenReason: null,
    rollout: null,
    serial: 118,
    revision: '9f3c2e1',
    artifactId: null,
    machinesOnIt: 12,
    machinesTotal: 12,
    ...more,
  };
}

export function releaseFixture(more: Partial<ReleaseView> = {}): ReleaseView {
  return {
    id: fixtureId(),
    repositoryId: fixtureId(),
    channel: 'production',
    serial: 1,
    kind: 'promote',
    buildId: fixtureId(),
    artifactId: '',
    revision: { revision: '9f3c2e1', subject: 'Cache fares', authorName: 'Priya Raman', committedAtMs: 1 },
    reason: null,
    forced: false,
    createdAtMs: 1,
    environmentVersion: null,
    current: false,
    machinesOnIt: 0,
    reclaimedAtMs: null,
    migration: null,
    rollout: null,
    ...more,
  };
}

export function buildFixture(more: Partial<BuildView> = {}): BuildView {
  return {
    id: fixtureId(),
    jobId: fixtureId(),
    repositoryId: fixtureId(),
    repositoryName: 'booking-api',
    revision: { revision: '9f3c2e1', subject: 'Cache fares', authorName: 'Priya Raman', committedAtMs: 1 },
    artifactId: '',
    packDigest: '',
    infoHash: '',
    sizeBytes: 1,
    treeSizeBytes: 1,
    fileCount: 1,
    platform: 'linux/x64',
    createdAtMs: 1,
    regionsVerified: 1,
    regionsTotal: 1,
    reclaimedAtMs: null,
    pinnedAtMs: null,
    ...more,
  };
}
