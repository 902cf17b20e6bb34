/** Owns the plain views of repositories, and how they are polled and queued. Times are UTC milliseconds. */
import { z } from 'zod';
import { alertSwitchesSchema } from '../alerts.ts';
import { branchStateSchema } from '../branch-state.ts';
import { idSchema } from '../documents.ts';
import { errorViewSchema } from '../error-schemas.ts';
import { planSchema } from '../plan.ts';
import { sourceOptionsSchema, vcsSchema } from '../source-options.ts';
import { buildViewSchema } from './build.ts';
import { jobSummarySchema } from './job.ts';
import { channelSummarySchema, releaseViewSchema } from './release.ts';
import { stageViewSchema, visualStateSchema } from './state.ts';
import { time } from './units.ts';

/** How the jobs of a repository are queued. */
export const queueSettingsSchema = z.object({
  /** Jobs that may run at once. More than one: a newer revision may be ready before an older one. */
  concurrency: z.number().int().min(1).max(64),
  /** A newly polled revision cancels the polled ones that still wait. */
  supersede: z.boolean(),
  /** How often a job is tried again by itself when what failed may pass by itself. */
  retryLimit: z.number().int().min(0).max(10),
});
export type QueueSettings = z.infer<typeof queueSettingsSchema>;

/** How often a repository is looked at. */
export const pollingSchema = z.object({
  /** What a person chose; null for the installation's. */
  chosenMs: time.nullable(),
  /** What it is now. */
  everyMs: time,
  /** The server that it lies on, `https://github.com`. */
  host: z.string(),
  /** How many times slower than usual its host lets it be; 1 is the usual pace. */
  stretch: z.number().min(1),
  /** Its host asked not to be asked before. */
  heldUntilMs: time.nullable(),
});
export type Polling = z.infer<typeof pollingSchema>;

export const repositoryRowSchema = z.object({
  id: idSchema,
  name: z.string(),
  vcs: vcsSchema,
  url: z.string(),
  branch: z.string(),
  branchState: branchStateSchema,
  state: visualStateSchema,
  /** What the state means in words: `test failed`, `afloat`, `cannot be reached`. */
  stateText: z.string(),
  pollError: errorViewSchema.nullable(),
  checkupAtMs: time.nullable(),
  nextPollAtMs: time.nullable(),
  polling: pollingSchema,
  addedAtMs: time,
  latestJob: jobSummarySchema.nullable(),
  /** Queued jobs of this repository besides the latest, counted to 10,000. */
  moreWaiting: z.number().int().nonnegative(),
  queue: queueSettingsSchema,
  source: sourceOptionsSchema,
  alerts: alertSwitchesSchema,
  track: z.array(stageViewSchema),
  channels: z.array(channelSummarySchema),
});
export type RepositoryRow = z.infer<typeof repositoryRowSchema>;

export const repositoryDetailSchema = repositoryRowSchema.extend({
  jobs: z.array(jobSummarySchema),
  builds: z.array(buildViewSchema),
  releases: z.array(releaseViewSchema),
  plan: planSchema.nullable(),
});
export type RepositoryDetail = z.infer<typeof repositoryDetailSchema>;

/** What adding a repository would do, shown before anything is saved. */
export const repositoryInspectionSchema = z.object({
  url: z.string(),
  vcs: vcsSchema,
  name: z.string(),
  defaultBranch: z.string().nullable(),
  branches: z.array(z.object({ name: z.string(), revision: z.string() })),
  /** Null until a branch is chosen, or where the plan cannot be made: then `planError` says why. */
  plan: planSchema.nullable(),
  planError: errorViewSchema.nullable(),
});
export type RepositoryInspection = z.infer<typeof repositoryInspectionSchema>;
