/** Owns which metrics there are, and how they are read: gauges from the database at each scrape, counters from events. */
import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client';
import type { EngineEvent } from '../contract/events.ts';
import { countJobs, findJob, listRunningJobs } from '../database/jobs.ts';
import { listEnrolledMachines } from '../database/machines.ts';
import type { Db } from '../database/open-database.ts';
import { countReplicas, listRegions, regionLag } from '../database/regions.ts';
import { listRepositories } from '../database/repositories.ts';
import { listLiveWorkers } from '../database/workers.ts';
import type { Clock } from '../domain/clock.ts';
import { version } from '../domain/version.ts';
import type { SwarmStats } from '../swarm/swarm-client.ts';

/** From a step that does nothing to a build of hours. */
const secondsBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
const replicaStates = ['pending', 'copying', 'verified', 'stale', 'failed'] as const;

export interface MetricSet {
  readonly contentType: string;
  count(event: EngineEvent): Promise<void>;
  text(): Promise<string>;
}

/** Names and units as OpenMetrics has them: base units, `_total` for counters. Source: prometheus.io/docs/specs/om/open_metrics_spec */
export function createMetricSet(options: {
  readonly db: Db;
  readonly swarm: () => SwarmStats;
  readonly clock: Clock;
}): MetricSet {
  const { db, swarm, clock } = options;
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ['repository'] as const, buckets: secondsBuckets, registers });

  gauge('slipway_build_info', 'The version that runs.', 'version').set({ version }, 1);
  const waiting = gauge('slipway_jobs_waiting', 'Jobs in the queue.');
  const running = gauge('slipway_jobs_running', 'Jobs that a worker runs.');
  const workers = gauge('slipway_workers', 'Worker processes.');
  const polled = gauge('slipway_poll_seconds', 'Since a repository was last looked at.', 'repository');
  const pollFailures = gauge('slipway_poll_failures', 'Looks in a row that failed.', 'repository');
  const replicas = gauge('slipway_replicas', 'Copies that a region should have, by state.', 'region', 'state');
  const lag = gauge('slipway_region_lag_seconds', 'Age of the oldest pack that a region lacks.', 'region');
  const reported = gauge('slipway_machine_report_seconds', 'Since a machine last reported.', 'channel', 'machine');
  const seeded = gauge('slipway_swarm_packs', 'Packs that are seeded.');
  const uploaded = gauge('slipway_swarm_upload_bytes_per_second', 'To machines, now.');

  const finished = counter('slipway_jobs_finished', 'Jobs that ended since the start.', 'repository', 'status');
  const releases = counter('slipway_releases', 'Releases made since the start.', 'repository');
  const failures = counter('slipway_failures', 'What failed since the start, by its event.', 'event');
  const waits = histogram('slipway_job_wait_seconds', 'From queued to started.');
  const durations = histogram('slipway_job_duration_seconds', 'From started to ended.');

  const secondsSince = (atMs: number) => Math.max(0, clock() - atMs) / 1_000;

  async function read(): Promise<void> {
    for (const one of [polled, pollFailures, replicas, lag, reported]) one.reset();
    waiting.set(await countJobs(db, { status: 'queued' }));
    running.set((await listRunningJobs(db)).length);
    workers.set((await listLiveWorkers(db)).length);
    for (const { name: repository, checkupAt, pollFailures: count } of await listRepositories(db)) {
      if (checkupAt !== null) polled.set({ repository }, secondsSince(checkupAt));
      pollFailures.set({ repository }, count);
    }
    for (const { id, name: region, isMain } of await listRegions(db)) {
      if (isMain === 1) continue;
      for (const state of replicaStates) replicas.set({ region, state }, 0);
      for (const { status: state, count } of await countReplicas(db, id)) replicas.set({ region, state }, count);
      const { oldestStoredAt } = await regionLag(db, id);
      lag.set({ region }, oldestStoredAt === null ? 0 : secondsSince(oldestStoredAt));
    }
    for (const { channel, name: machine, lastReportAt } of await listEnrolledMachines(db)) {
      if (lastReportAt !== null) reported.set({ channel, machine }, secondsSince(lastReportAt));
    }
    const { torrents } = swarm();
    seeded.set(torrents.length);
    uploaded.set(torrents.reduce((sum, torrent) => sum + torrent.uploadBytesPerSecond, 0));
  }

  async function nameOf(repositoryId: string | null): Promise<string> {
    return (await listRepositories(db)).find(({ id }) => id === repositoryId)?.name ?? '';
  }

  return {
    contentType: registry.contentType,
    async count(event) {
      switch (event.type) {
        case 'job.finished': {
          const job = event.jobId === null ? null : await findJob(db, event.jobId);
          if (!job) return;
          const repository = await nameOf(event.repositoryId);
          finished.inc({ repository, status: String(event.data.status) });
          if (job.startedAt === null) return;
          waits.observe({ repository }, Math.max(0, job.startedAt - job.queuedAt) / 1_000);
          if (job.finishedAt !== null) {
            durations.observe({ repository }, Math.max(0, job.finishedAt - job.startedAt) / 1_000);
          }
          return;
        }
        case 'release.created':
          releases.inc({ repository: await nameOf(event.repositoryId) });
          return;
        case 'replica.failed':
        case 'machine.failed':
        case 'worker.lost':
        case 'swarm.lost':
        case 'poll.failed':
        case 'release.refused':
          failures.inc({ event: event.type });
          return;
        default:
      }
    },
    async text() {
      await read();
      return registry.metrics();
    },
  };
}
