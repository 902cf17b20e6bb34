/** Owns what every view says of states: the five that are drawn, and the stages of the commit-to-machine track. Times are UTC milliseconds. */
import { z } from 'zod';
import { time } from './units.ts';

/** The five states that carry every other, one shape and one colour each. */
export const visualStateSchema = z.enum(['failed', 'stale', 'running', 'verified', 'pending']);
export type VisualState = z.infer<typeof visualStateSchema>;

export const stageNameSchema = z.enum(['commit', 'queue', 'build', 'store', 'regions', 'machines']);
export type StageName = z.infer<typeof stageNameSchema>;

/** One stage of the commit-to-machine track. `passed` is grey; `verified` is the green end. */
export const stageViewSchema = z.object({
  stage: stageNameSchema,
  state: z.enum(['ahead', 'running', 'passed', 'verified', 'failed', 'stale']),
  startedAtMs: time.nullable(),
  finishedAtMs: time.nullable(),
  /** Regions verified or machines switched, of how many; null where the stage has no parts. */
  done: z.number().int().nullable(),
  total: z.number().int().nullable(),
  /** 0 to 1, null where unknown. */
  progress: z.number().min(0).max(1).nullable(),
  /** A few words where the state needs them: `test failed`, `1st in line`. */
  note: z.string().nullable(),
});
export type StageView = z.infer<typeof stageViewSchema>;
