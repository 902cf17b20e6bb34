/** Owns what several views need of the database at one moment, read once: repositories, running and queued jobs, regions, machines. */

import type { ReplicationPolicyView } from '../../contract/replication-api.ts';
import { type JobRecord, listRunningJobs, recentDurationsMs } from '../../database/jobs.ts';
import { listMachines, type MachineRecord } from '../../database/machines.ts';
import { listRegions, type RegionRecord } from '../../database/regions.ts';
import { type ChannelRecord, listChannels, listCurrentReleases, type ReleaseRecord } from '../../database/releases.ts';
import { listRepositories, type RepositoryRecord } from '../../database/repositories.ts';
import { listFirstWaiting, type WaitingJob } from '../../database/waiting-jobs.ts';
import { listPolicies } from '../../database/wanted-replicas.ts';
import { listLiveWorkers, type WorkerRecord } from '../../database/workers.ts';
import { median } from '../../domain/waiting.ts';
import type { Engine } from '../../engine.ts';

/** How many earlier builds an estimate is made of. */
const historyLength = 10;
/** Waiting jobs that are read and played forward; what stands behind them is told by rate. */
const playedJobs = 500;

export interface ChannelState {
  readonly channel: ChannelRecord;
  readonly release: ReleaseRecord | null;
}

export interface Snapshot {
  readonly now: number;
  readonly repositories: ReadonlyMap<string, RepositoryRecord>;
  readonly running: readonly JobRecord[];
  /** The first of those that wait, in the order in which they are served. */
  readonly queued: readonly WaitingJob[];
  readonly workers: readonly WorkerRecord[];
  readonly regions: readonly RegionRecord[];
  /** Which regions hold which versions, of the repositories that say so. */
  readonly policies: ReadonlyMap<string, ReplicationPolicyView>;
  readonly machines: readonly MachineRecord[];
  readonly channels: readonly ChannelState[];
  /** Median build time by repository, milliseconds. */
  readonly usualMs: ReadonlyMap<string, number>;
}

export async function takeSnapshot(engine: Pick<Engine, 'db' | 'clock'>): Promise<Snapshot> {
  const { db } = engine;
  const repositories = await listRepositories(db);
  const running = await listRunningJobs(db);
  const queued = await listFirstWaiting(db, playedJobs);
  const usual = new Map<string, number>();
  for (const id of new Set([...running, ...queued].map(job => job.repositoryId))) {
    const usualMs = median(await recentDurationsMs(db, id, historyLength));
    if (usualMs !== null) usual.set(id, usualMs);
  }
  const current = new Map((await listCurrentReleases(db)).map(release => [release.id, release]));
  const channels = (await listChannels(db)).map(channel => ({
    channel,
    release: (channel.currentReleaseId && current.get(channel.currentReleaseId)) || null,
  }));
  return {
    now: engine.clock(),
    repositories: new Map(repositories.map(repository => [repository.id, repository])),
    running,
    queued,
    workers: await listLiveWorkers(db),
    regions: await listRegions(db),
    policies: await listPolicies(db),
    machines: await listMachines(db),
    channels,
    usualMs: usual,
  };
}

/** How many regions should hold a build that has `replicas` copies, begun or not. One that is older than a policy keeps has none. */
export function regionsWanted({ regions, policies }: Snapshot, repositoryId: string | null, replicas: number): number {
  const policy = repositoryId === null ? undefined : policies.get(repositoryId);
  if (replicas === 0 && policy?.versions != null) return 0;
  const named = regions.filter(({ id, isMain }) => isMain === 0 && (policy?.regionIds?.includes(id) ?? true));
  return Math.max(replicas, named.length);
}
