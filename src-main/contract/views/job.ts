/** Owns the plain views of jobs, their revisions, attempts, steps and logs. Times are UTC milliseconds. */
import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { errorViewSchema } from '../error-schemas.ts';
import { isolationUsedSchema } from '../isolation.ts';
import { evidenceSchema, phaseSchema, planSchema } from '../plan.ts';
import { waitingReasonSchema } from '../waiting.ts';
import { keepingShape } from './keeping.ts';
import { stageViewSchema } from './state.ts';
import { bytes, time } from './units.ts';

export const jobStatusSchema = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
export type JobStatus = z.infer<typeof jobStatusSchema>;

export const triggerSchema = z.enum(['poll', 'manual', 'added']);
export type Trigger = z.infer<typeof triggerSchema>;

export const revisionViewSchema = z.object({
  revision: z.string(),
  subject: z.string(),
  authorName: z.string(),
  committedAtMs: time.nullable(),
});
export type RevisionView = z.infer<typeof revisionViewSchema>;

export const stepViewSchema = z.object({
  index: z.number().int().nonnegative(),
  name: z.string(),
  phase: z.union([phaseSchema, z.enum(['checkout', 'plan', 'toolchain', 'cache', 'pack', 'publish'])]),
  /** The command line, or null for a step of Slipway's own. */
  command: z.string().nullable(),
  status: z.enum(['pending', 'running', 'succeeded', 'failed', 'skipped']),
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  exitCode: z.number().int().nullable(),
  /** Byte offset in the attempt's log at which the step begins. */
  logOffset: bytes.nullable(),
  /** One line: `1,214 files, 38 MiB`. */
  detail: z.string().nullable(),
  evidence: z.array(evidenceSchema),
});
export type StepView = z.infer<typeof stepViewSchema>;

export const jobSummarySchema = z.object({
  id: idSchema,
  /** A small number for people, unique in the installation. */
  number: z.number().int().positive(),
  repositoryId: idSchema,
  repositoryName: z.string(),
  branch: z.string(),
  revision: revisionViewSchema,
  trigger: triggerSchema,
  status: jobStatusSchema,
  attempt: z.number().int().nonnegative(),
  workerName: z.string().nullable(),
  queuedAtMs: time,
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  error: errorViewSchema.nullable(),
  /** The step that runs now, or that failed. */
  currentStep: z.string().nullable(),
  /** Place in the whole queue, from 1; null unless queued, and for one that more than 10,000 are in front of. */
  position: z.number().int().positive().nullable(),
  /** Why it waits; null unless queued. */
  waitingFor: waitingReasonSchema.nullable(),
  /** When it should start (queued) or end (running), from history; null where there is none. */
  etaMs: time.nullable(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;

/** What is known of the end of a lost worker, as the details of the error `worker.lost`. */
export const lossViewSchema = z.object({
  reason: z.string(),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  /** The step that ran. */
  step: z.string().nullable(),
  /** How long the sign that was missed had not come; null where the process simply ended. */
  silentMs: time.nullable(),
  /** The most that the worker and its descendants took during the job, looked at once a second. */
  peakMemoryBytes: bytes.nullable(),
  /** The end of the worker's own stderr. */
  lastOutput: z.string(),
  /** The end of the attempt's log. */
  logTail: z.string(),
});
export type LossView = z.infer<typeof lossViewSchema>;

export const attemptViewSchema = z.object({
  attempt: z.number().int().positive(),
  workerName: z.string(),
  startedAtMs: time,
  finishedAtMs: time.nullable(),
  outcome: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'lost']),
  error: errorViewSchema.nullable(),
  /** What it runs under; null until that is decided, and for attempts of before it was recorded. */
  isolation: isolationUsedSchema.nullable(),
  /** Of a lost attempt. */
  loss: lossViewSchema.nullable(),
});
export type AttemptView = z.infer<typeof attemptViewSchema>;

export const jobDetailSchema = jobSummarySchema.extend({
  steps: z.array(stepViewSchema),
  attempts: z.array(attemptViewSchema),
  track: z.array(stageViewSchema),
  plan: planSchema.nullable(),
  logSizeBytes: bytes,
  build: z
    .object({
      id: idSchema,
      artifactId: z.string(),
      packDigest: z.string(),
      sizeBytes: bytes,
      treeSizeBytes: bytes,
      ...keepingShape,
    })
    .nullable(),
});
export type JobDetail = z.infer<typeof jobDetailSchema>;
