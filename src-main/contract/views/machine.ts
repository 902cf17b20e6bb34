/** Owns the plain views of machines and of their pairing. Times are UTC milliseconds. */
import { z } from 'zod';
import { bytesBySourceSchema, channelNameSchema, idSchema, machinePhaseSchema } from '../documents.ts';
import { visualStateSchema } from './state.ts';
import { time } from './units.ts';

export const machineViewSchema = z.object({
  id: idSchema,
  repositoryId: idSchema,
  repositoryName: z.string(),
  channel: channelNameSchema,
  name: z.string(),
  region: z.string().nullable(),
  state: visualStateSchema,
  /** `paired` machines have not written their first report; `invited` ones have not enrolled. */
  phase: z.union([machinePhaseSchema, z.enum(['invited', 'paired'])]),
  serial: z.number().int().positive().nullable(),
  targetSerial: z.number().int().positive().nullable(),
  /** Releases behind the channel; 0 is no drift. */
  behind: z.number().int().nonnegative(),
  artifactId: z.string().nullable(),
  health: z.enum(['unknown', 'healthy', 'unhealthy']),
  message: z.string().nullable(),
  progress: z.number().min(0).max(1).nullable(),
  bytes: bytesBySourceSchema,
  lastReportAtMs: time.nullable(),
  silent: z.boolean(),
  agentVersion: z.string().nullable(),
  /** Names of the channel's values that the running release got. */
  environmentNames: z.array(z.string()),
  timeline: z.array(z.object({ phase: machinePhaseSchema, atMs: time })),
  /** The newest release that did not come up here; its evidence can be read. */
  evidenceSerial: z.number().int().positive().nullable(),
  /** What of the release that runs is not as it was installed; null for nothing that was seen. */
  drift: z.string().nullable(),
  /** Since when a repair is asked for; null for none. */
  repairRequestedAtMs: time.nullable(),
  /** Artifacts that lie there: going back to them fetches nothing. */
  kept: z.array(z.string()),
});
export type MachineView = z.infer<typeof machineViewSchema>;

export const pairingSchema = z.object({
  machineId: idSchema,
  /** What to run on the machine, with the one-time secret in it. Shown once. */
  command: z.string(),
  secret: z.string(),
  expiresAtMs: time,
});
export type Pairing = z.infer<typeof pairingSchema>;
