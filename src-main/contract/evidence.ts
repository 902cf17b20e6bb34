/** Owns the shape of what a machine keeps when a release did not come up: enough to see why, and never a value of its environment. */
import { z } from 'zod';
import { channelNameSchema, idSchema, sha256Schema } from './documents.ts';
import { errorViewSchema } from './error-schemas.ts';

const time = z.number().int().nonnegative();
/** Of each text: what a person reads, not a log. */
export const maxEvidenceText = 64 * 1024;

export const evidenceBundleSchema = z.object({
  type: z.literal('slipway.evidence/v1'),
  machineId: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  /** The release that did not come up, and the one that runs again; null for none. */
  serial: z.number().int().positive(),
  releaseId: idSchema,
  artifactId: sha256Schema,
  backAtSerial: z.number().int().positive().nullable(),
  atMs: time,
  error: errorViewSchema,
  /** The last answers of the health check, oldest first. */
  health: z.array(z.object({ atMs: time, problem: z.string().max(2_000).nullable() })).max(50),
  /** The end of what the release and its migrations wrote. */
  lastOutput: z.string().max(maxEvidenceText),
  /** The end of its unit's journal; null where no unit runs it. */
  unitLog: z.string().max(maxEvidenceText).nullable(),
  /** Names alone. */
  environmentNames: z.array(z.string().max(200)).max(256),
});
export type EvidenceBundle = z.infer<typeof evidenceBundleSchema>;
