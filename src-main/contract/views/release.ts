/** Owns the plain views of channels and releases, and what is checked before one is made. Times are UTC milliseconds. */
import { z } from 'zod';
import { migrationViewSchema } from '../activation.ts';
import { channelNameSchema, idSchema } from '../documents.ts';
import { rolloutRequestSchema, rolloutSchema } from '../rollout.ts';
import { revisionViewSchema } from './job.ts';
import { time } from './units.ts';

export const channelPolicySchema = z.enum(['manual', 'auto']);
export type ChannelPolicy = z.infer<typeof channelPolicySchema>;

export const channelSummarySchema = z.object({
  id: idSchema,
  name: channelNameSchema,
  policy: channelPolicySchema,
  /** Set while auto is paused: why. */
  pausedReason: z.string().nullable(),
  /** Set while nothing may be released on it: why. */
  frozenReason: z.string().nullable(),
  /** How its releases go over its machines; null for all at once. */
  rollout: rolloutRequestSchema.nullable(),
  serial: z.number().int().positive().nullable(),
  revision: z.string().nullable(),
  artifactId: z.string().nullable(),
  machinesOnIt: z.number().int().nonnegative(),
  machinesTotal: z.number().int().nonnegative(),
});
export type ChannelSummary = z.infer<typeof channelSummarySchema>;

export const releaseViewSchema = z.object({
  id: idSchema,
  repositoryId: idSchema,
  channel: channelNameSchema,
  serial: z.number().int().positive(),
  kind: z.enum(['auto', 'promote', 'rollback']),
  buildId: idSchema,
  artifactId: z.string(),
  revision: revisionViewSchema,
  reason: z.string().nullable(),
  /** Regions published it before their copy was verified. */
  forced: z.boolean(),
  createdAtMs: time,
  /** Which values of the channel it runs with; null for none. */
  environmentVersion: z.number().int().positive().nullable(),
  current: z.boolean(),
  machinesOnIt: z.number().int().nonnegative(),
  /** Since when its build's pack is not kept any more: no channel can go back to it. */
  reclaimedAtMs: time.nullable(),
  /** Null for a release that brings none. */
  migration: migrationViewSchema.nullable(),
  /** Null for one that all machines could take at once. */
  rollout: rolloutSchema.nullable(),
});
export type ReleaseView = z.infer<typeof releaseViewSchema>;

const preflightCheckSchema = z.object({
  state: z.enum(['ok', 'warning', 'blocked']),
  title: z.string(),
  detail: z.string(),
});

/** A release that was just made, with what its pre-flight found against it. */
export const madeReleaseSchema = releaseViewSchema.extend({ warnings: z.array(preflightCheckSchema) });
export type MadeRelease = z.infer<typeof madeReleaseSchema>;

export const preflightSchema = z.object({
  channel: channelNameSchema,
  from: z.object({ serial: z.number(), revision: revisionViewSchema }).nullable(),
  to: z.object({ buildId: idSchema, revision: revisionViewSchema, releasedAsSerial: z.number().nullable() }),
  nextSerial: z.number().int().positive(),
  /** Regions that publish it only when their copy is verified, unless it is forced. */
  unverifiedRegions: z.number().int().nonnegative(),
  checks: z.array(preflightCheckSchema),
});
export type Preflight = z.infer<typeof preflightSchema>;
