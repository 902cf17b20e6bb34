/** Owns what is measured of this installation: the means beside a capacity estimate, and trends over time. */
import type { CapacityLoad, CapacityMeasured, CapacityView, Trends } from '../../contract/capacity.ts';
import { listEndedJobs, listTrafficDays, measureBuilds } from '../../database/measurements.ts';
import { estimateCapacity } from '../../domain/capacity.ts';
import { dayMs, hourMs, trendsOf } from '../../domain/trends.ts';
import type { Engine } from '../../engine.ts';

/** What is older says little of how builds are now. */
const measuredDays = 30;
/** Rates of a shorter time than this are chance. */
const leastSpanMs = hourMs;
/** More jobs are not read for a plot. */
const mostJobs = 20_000;

async function measured(engine: Engine): Promise<CapacityMeasured | null> {
  const now = engine.clock();
  const found = await measureBuilds(engine.db, now - measuredDays * dayMs);
  if (found === null) return null;
  const { builds, firstAt, meanBuildMs, meanWaitMs, meanSizeBytes } = found;
  const buildsPerDay = (builds * dayMs) / Math.max(leastSpanMs, now - firstAt);
  // An empty tree and a clock that stood still: the formula needs more than nothing.
  const sizeBytes = Math.max(1, meanSizeBytes);
  const bytesPerSecond = (sizeBytes * 1_000) / Math.max(1, meanBuildMs);
  return {
    sinceMs: firstAt,
    builds,
    buildsPerDay,
    meanBuildMs,
    meanWaitMs,
    meanSizeBytes,
    estimate: estimateCapacity({ deploysPerDay: buildsPerDay, sizeBytes, bytesPerSecond }),
  };
}

export async function capacityView(engine: Engine, load: CapacityLoad): Promise<CapacityView> {
  return {
    assumed: estimateCapacity(load),
    measured: await measured(engine),
    workersNow: engine.pool.size.workers,
  };
}

/** How builds went over the last `days`; of one repository, or of all. Traffic is that of all. */
export async function trendsView(
  engine: Engine,
  { days, repositoryId }: { readonly days: number; readonly repositoryId?: string | undefined },
): Promise<Trends> {
  const now = engine.clock();
  const every = days <= 2 ? 'hour' : 'day';
  const from = now - days * dayMs;
  const jobs = await listEndedJobs(engine.db, { repositoryId, since: from, limit: mostJobs });
  const traffic = await listTrafficDays(engine.db, Math.floor(from / dayMs));
  const facts = jobs.map(({ status, ...job }) => ({ ...job, succeeded: status === 'succeeded' }));
  return {
    every,
    points: trendsOf(facts, traffic, { from, to: now, every }),
    jobs: jobs.length,
    cut: jobs.length === mostJobs,
  };
}
