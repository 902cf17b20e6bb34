/** Owns the plain views of regions and of the copies in them. Times are UTC milliseconds. */
import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { errorViewSchema } from '../error-schemas.ts';
import { regionLimitsSchema, trafficSchema } from '../replication-api.ts';
import { buildViewSchema } from './build.ts';
import { visualStateSchema } from './state.ts';
import { bytes, time } from './units.ts';

export const replicaStatusSchema = z.enum(['pending', 'copying', 'verified', 'stale', 'failed']);
export type ReplicaStatus = z.infer<typeof replicaStatusSchema>;

export const replicaViewSchema = z.object({
  packDigest: z.string(),
  buildId: idSchema,
  regionId: idSchema,
  status: replicaStatusSchema,
  bytesDone: bytes,
  bytesTotal: bytes,
  bytesPerSecond: bytes.nullable(),
  attempts: z.number().int().nonnegative(),
  nextAttemptAtMs: time.nullable(),
  startedAtMs: time.nullable(),
  verifiedAtMs: time.nullable(),
  /** Time behind the main store: from the pack's arrival there until verified here, or until now. */
  lagMs: time,
  error: errorViewSchema.nullable(),
});
export type ReplicaView = z.infer<typeof replicaViewSchema>;

export const regionViewSchema = z.object({
  id: idSchema,
  /** Also the place's name on the map: `Frankfurt`. */
  name: z.string(),
  /** The provider's word: `europe-west3`. */
  location: z.string(),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  storeUrl: z.string(),
  provider: z.string(),
  isMain: z.boolean(),
  paused: z.boolean(),
  state: visualStateSchema,
  packCount: z.number().int().nonnegative(),
  bytesStored: bytes,
  /** Packs that should be here and are not verified. */
  behind: z.number().int().nonnegative(),
  behindBytes: bytes,
  /** How long the oldest of them has been in the main store; 0 without any. */
  lagMs: time,
  /** Of all copies that are under way; null without any. */
  bytesPerSecond: bytes.nullable(),
  /** Until all of `behind` is here at that rate; null where nothing moves. */
  etaMs: time.nullable(),
  limits: regionLimitsSchema,
  /** Between this machine and the store. */
  traffic: z.object({ today: trafficSchema, days30: trafficSchema }),
  /** When anything here was last looked at, and when what was proven longest ago was proven; null where something never was. */
  audit: z.object({ lookedAtMs: time.nullable(), oldestProofAtMs: time.nullable() }),
  error: errorViewSchema.nullable(),
});
export type RegionView = z.infer<typeof regionViewSchema>;

export const replicationViewSchema = z.object({
  regions: z.array(regionViewSchema),
  /** Newest first. */
  artifacts: z.array(buildViewSchema.extend({ replicas: z.array(replicaViewSchema) })),
});
export type ReplicationView = z.infer<typeof replicationViewSchema>;
