/** Owns the calls that tell how many workers a load needs, and what this installation measured. Sizes in bytes, times in milliseconds. */
import { z } from 'zod';
import { route } from './api-values.ts';
import { idSchema } from './documents.ts';
import { bytes, time } from './views/units.ts';

const count = z.number().int().nonnegative();

/** What a person assumes. The defaults are those of the README. */
export const capacityLoadSchema = z.object({
  deploysPerDay: z.coerce.number().positive().max(10_000_000).default(1_000),
  sizeBytes: z.coerce.number().positive().max(1e15).default(15e9),
  /** How fast one worker makes of sources what is deployed. */
  bytesPerSecond: z.coerce.number().positive().max(1e12).default(10e6),
});
export type CapacityLoad = z.infer<typeof capacityLoadSchema>;

export const capacityPointSchema = z.object({
  workers: z.number().int().positive(),
  /** Share of the time in which a worker builds, up to 1. */
  busyShare: z.number().min(0).max(1),
  deploysPerDay: z.number(),
  /** Null where more comes in than so many workers build: the queue grows without end. */
  meanWaitMs: z.number().nullable(),
  /** 19 of 20 deploys wait no longer. */
  p95WaitMs: z.number().nullable(),
});
export type CapacityPoint = z.infer<typeof capacityPointSchema>;

export const capacityEstimateSchema = z.object({
  load: capacityLoadSchema,
  secondsPerBuild: z.number(),
  buildsPerWorkerDay: z.number(),
  workersExact: z.number(),
  /** Rounded down to one figure: what a person would count with. */
  roundedBuildsPerWorkerDay: z.number(),
  roundedWorkers: z.number(),
  /** A quarter more than the rounded workers. */
  workers: z.number(),
  /** How each figure comes about, in order. */
  steps: z.array(z.object({ name: z.string(), formula: z.string(), result: z.string() })),
  points: z.array(capacityPointSchema),
});
export type CapacityEstimate = z.infer<typeof capacityEstimateSchema>;

export const capacityMeasuredSchema = z.object({
  sinceMs: time,
  builds: count,
  buildsPerDay: z.number(),
  meanBuildMs: z.number(),
  meanWaitMs: z.number(),
  meanSizeBytes: z.number(),
  estimate: capacityEstimateSchema,
});
export type CapacityMeasured = z.infer<typeof capacityMeasuredSchema>;

export const capacityViewSchema = z.object({
  assumed: capacityEstimateSchema,
  /** Null before the first build. */
  measured: capacityMeasuredSchema.nullable(),
  /** How many workers there should be now. */
  workersNow: count,
});
export type CapacityView = z.infer<typeof capacityViewSchema>;

export const trendPointSchema = z.object({
  /** The beginning of its day or hour, UTC. */
  atMs: time,
  succeeded: count,
  failed: count,
  medianBuildMs: z.number().nullable(),
  p95BuildMs: z.number().nullable(),
  medianWaitMs: z.number().nullable(),
  p95WaitMs: z.number().nullable(),
  /** Between this machine and all stores; null for hours, since it is counted by day. */
  bytesSent: bytes.nullable(),
  bytesRead: bytes.nullable(),
});
export type TrendPoint = z.infer<typeof trendPointSchema>;

export const trendsSchema = z.object({
  every: z.enum(['hour', 'day']),
  /** Oldest first, also those in which nothing happened. */
  points: z.array(trendPointSchema),
  /** Jobs that were looked at; the newest where there were more. */
  jobs: count,
  /** Not all jobs of the time were looked at. */
  cut: z.boolean(),
});
export type Trends = z.infer<typeof trendsSchema>;

export const capacityApi = {
  get: route('GET', '/capacity', 'Workers that a load needs, step by step, beside what was measured here')
    .input(capacityLoadSchema)
    .output(capacityViewSchema),
  trends: route('GET', '/trends', 'Build time, wait, outcome and bytes over time')
    .input(
      z.object({
        repositoryId: idSchema.optional(),
        /** Up to two days are shown by hour, more by day. */
        days: z.coerce.number().int().min(1).max(90).default(30),
      }),
    )
    .output(trendsSchema),
};
