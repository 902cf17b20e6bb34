/** Owns what the driver of a crash history tells its host process. */
import { z } from 'zod';

export const hostSettingsSchema = z.object({
  folder: z.string(),
  repositories: z.array(z.string()),
  /** Revisions in each repository. */
  revisions: z.number(),
  workers: z.number(),
});
export type HostSettings = z.infer<typeof hostSettingsSchema>;

export const toHostSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stop') }),
  /** Die at a statement; with `release` at one of the supervisor's, since nothing is enqueued from then on. */
  z.object({ type: z.literal('arm'), during: z.enum(['release', 'any']), points: z.number() }),
]);
export type ToHost = z.infer<typeof toHostSchema>;
