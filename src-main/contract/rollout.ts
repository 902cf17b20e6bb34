/** Owns how a release goes over its machines: the ways that a person chooses from, and how far it has come. */
import { z } from 'zod';

export const rolloutWaySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all') }),
  z.object({ kind: z.literal('one-by-one') }),
  /** One region after another, by name. */
  z.object({ kind: z.literal('regions') }),
  /** Shares of all machines, growing; the rest follows at the end. */
  z.object({ kind: z.literal('percent'), steps: z.array(z.number().int().min(1).max(100)).min(1).max(20) }),
  /** A few first, then all others. */
  z.object({ kind: z.literal('canary'), machines: z.number().int().min(1).max(1_000) }),
]);
export type RolloutWay = z.infer<typeof rolloutWaySchema>;

export const rolloutRequestSchema = z.object({
  way: rolloutWaySchema,
  /** From the last machine of a wave to the first of the next. */
  waitMs: z
    .number()
    .int()
    .nonnegative()
    .max(7 * 24 * 60 * 60 * 1000)
    .default(0),
  /** Whether machines that went back hold up the others. */
  stopsAtFailure: z.boolean().default(true),
});
export type RolloutRequest = z.infer<typeof rolloutRequestSchema>;

export const rolloutSchema = rolloutRequestSchema.extend({
  /** Ids of machines, as they were when it was released; a machine that came later goes last. */
  waves: z.array(z.array(z.string())),
  /** The one that goes now, from 0. */
  wave: z.number().int().nonnegative(),
  state: z.enum(['running', 'stopped', 'done']),
  /** When every machine of the wave had come through; null before. */
  waveDoneAtMs: z.number().int().nonnegative().nullable(),
  message: z.string().nullable(),
});
export type Rollout = z.infer<typeof rolloutSchema>;
