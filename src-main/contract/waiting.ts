/** Owns the shape of why a job waits. */
import { z } from 'zod';
import { idSchema } from './documents.ts';

export const waitingKindSchema = z.enum([
  'paused',
  'no_worker',
  'missing_tool',
  'not_before',
  'repository_cap',
  'behind_own',
  'workers_busy',
  'next',
]);
export type WaitingKind = z.infer<typeof waitingKindSchema>;

export const jobMarkSchema = z.object({ id: idSchema, number: z.number().int().positive(), revision: z.string() });
/** A job as another one speaks of it. */
export type JobMark = z.infer<typeof jobMarkSchema>;

export const waitingReasonSchema = z.object({
  kind: waitingKindSchema,
  /** For a person: `all 2 workers are busy`. */
  text: z.string(),
  /** The job that it waits for, or that is right in front of it in the queue; null where there is none. */
  job: jobMarkSchema.nullable(),
});
export type WaitingReason = z.infer<typeof waitingReasonSchema>;
