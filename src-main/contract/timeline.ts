/** Owns the call that tells how long each stage took on the way of a repository's revisions, from the commit to every machine. */
import { z } from 'zod';
import { route } from './api-values.ts';
import { idSchema } from './documents.ts';
import { jobStatusSchema, revisionViewSchema } from './views/job.ts';
import { stageNameSchema } from './views/state.ts';
import { time } from './views/units.ts';

const stageTimeSchema = z.object({
  stage: stageNameSchema,
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  /** Null while it lasts, and where it was not reached. */
  durationMs: time.nullable(),
});
export type StageTime = z.infer<typeof stageTimeSchema>;

const partTimeSchema = z.object({
  name: z.string(),
  /** Since the build was stored, or since the release was made; null where it is not there yet. */
  durationMs: time.nullable(),
});
export type PartTime = z.infer<typeof partTimeSchema>;

export const revisionTimelineSchema = z.object({
  jobId: idSchema,
  number: z.number().int().positive(),
  status: jobStatusSchema,
  revision: revisionViewSchema,
  /** The six of the track, in order. */
  stages: z.array(stageTimeSchema),
  regions: z.array(partTimeSchema),
  /** Of the first release of the build on each channel. */
  machines: z.array(partTimeSchema.extend({ channel: z.string(), serial: z.number().int().positive() })),
  /** From when the revision was seen until it was stored, and from its release to the last machine; without a release, to the last region. Null without a build. */
  totalMs: time.nullable(),
  /** Which of the stages after the commit took longest. */
  slowest: stageNameSchema.nullable(),
});
export type RevisionTimeline = z.infer<typeof revisionTimelineSchema>;

export const timelineSchema = z.object({
  /** Newest first. */
  revisions: z.array(revisionTimelineSchema),
  medians: z.array(z.object({ stage: stageNameSchema, durationMs: time.nullable() })),
  medianTotalMs: time.nullable(),
  /** The stage after the commit whose median is highest. */
  slowest: stageNameSchema.nullable(),
});
export type Timeline = z.infer<typeof timelineSchema>;

export const timelineRoute = route(
  'GET',
  '/repositories/{id}/timeline',
  'Times of every stage from the commit to each machine',
)
  .input(z.object({ id: idSchema, limit: z.coerce.number().int().min(1).max(100).default(20) }))
  .output(timelineSchema);
