/** Owns the plain views of the engine as a whole. Times are UTC milliseconds. */
import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { errorViewSchema } from '../error-schemas.ts';
import { buildDefaultsSchema, isolationLevelSchema } from '../isolation.ts';
import { jobSummarySchema } from './job.ts';
import { repositoryRowSchema } from './repository.ts';
import { bytes, time } from './units.ts';
import { workerModeSchema } from './worker.ts';

export const engineStatusSchema = z.object({
  version: z.string(),
  host: z.enum(['desktop', 'headless']),
  dataFolder: z.string(),
  rootPublicKey: z.string(),
  startedAtMs: time,
  nowMs: time,
  eventCursor: z.number().int().nonnegative(),
  polling: z.object({
    repositories: z.number().int().nonnegative(),
    failing: z.number().int().nonnegative(),
    lastPollAtMs: time.nullable(),
    intervalMs: time,
  }),
  workers: z.object({
    busy: z.number().int().nonnegative(),
    total: z.number().int().nonnegative(),
    /** No job is taken: paused, draining or drained. */
    paused: z.boolean(),
    mode: workerModeSchema,
    /** How many there should be, and why so many. */
    wanted: z.number().int().nonnegative(),
    sizeReason: z.string(),
  }),
  swarm: z.object({ uploadBytesPerSecond: bytes, downloadBytesPerSecond: bytes, torrents: z.number().int() }),
  problems: z.array(errorViewSchema),
});
export type EngineStatus = z.infer<typeof engineStatusSchema>;

export const overviewSchema = z.object({
  repositories: z.array(repositoryRowSchema),
  running: z.array(jobSummarySchema),
  waiting: z.array(jobSummarySchema),
  deploysToday: z.number().int().nonnegative(),
  /** Commit to all machines, over the last 50 releases; null without any. */
  medianJourneyMs: time.nullable(),
  p95JourneyMs: time.nullable(),
});
export type Overview = z.infer<typeof overviewSchema>;

export const isolationViewSchema = z.object({
  /** Every level, and why one does not work on the machine of the engine. */
  levels: z.array(
    z.object({
      level: isolationLevelSchema,
      reason: z.string().nullable(),
      /** False for a container engine that answers and has no image to start. */
      isTried: z.boolean(),
    }),
  ),
  defaults: buildDefaultsSchema,
  repositories: z.array(z.object({ repositoryId: idSchema, name: z.string(), level: z.string() })),
});
export type IsolationView = z.infer<typeof isolationViewSchema>;
