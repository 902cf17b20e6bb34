/** Owns what a person is told of by the system's notifications: the kinds, the switches of a repository, and how one is written. */
import { z } from 'zod';

export const alertSwitchesSchema = z.object({
  /** A build, a look at the source or a machine fails, once until it has recovered; a worker is lost. */
  failed: z.boolean(),
  /** What failed works again. */
  recovered: z.boolean(),
  /** A channel runs another release, also after a rollback. */
  deployed: z.boolean(),
  /** A build, a migration or a rollout waits for a person. */
  attention: z.boolean(),
});
export type AlertSwitches = z.infer<typeof alertSwitchesSchema>;
export const alertKindSchema = alertSwitchesSchema.keyof();
export type AlertKind = z.infer<typeof alertKindSchema>;

/** What holds while nobody has chosen: a team that deploys all day hears of what is not as it should be. */
export const usualAlerts: AlertSwitches = { failed: true, recovered: true, deployed: false, attention: true };

/** The `data` of the event `alert.raised`. */
export const alertSchema = z.object({
  kind: alertKindSchema,
  title: z.string(),
  body: z.string(),
  /** The view that a click opens. */
  hash: z.string().regex(/^#\//),
  /** A command of that view, run when it is there: to the line that failed. */
  thenRun: z.string().nullable(),
});
export type Alert = z.infer<typeof alertSchema>;
