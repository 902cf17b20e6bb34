/** Owns the calls on channels and releases. */
import { z } from 'zod';
import { route } from './api-values.ts';
import { channelNameSchema, idSchema } from './documents.ts';
import { rolloutRequestSchema } from './rollout.ts';
import {
  channelPolicySchema,
  channelSummarySchema,
  madeReleaseSchema,
  preflightSchema,
  releaseViewSchema,
} from './views/release.ts';

export const channelsApi = {
  list: route('GET', '/repositories/{repositoryId}/channels', 'Channels of a repository')
    .input(z.object({ repositoryId: idSchema }))
    .output(z.array(channelSummarySchema)),
  set: route('POST', '/repositories/{repositoryId}/channels', 'Create a channel or change its policy')
    .input(
      z.object({
        repositoryId: idSchema,
        name: channelNameSchema,
        policy: channelPolicySchema.optional(),
        /** False resumes a paused auto policy. */
        paused: z.boolean().optional(),
        /** Null: all machines at once. */
        rollout: rolloutRequestSchema.nullable().optional(),
      }),
    )
    .output(channelSummarySchema),
  freeze: route(
    'POST',
    '/repositories/{repositoryId}/channels/freeze',
    'Let nothing be released on a channel, or again',
  )
    .input(
      z.object({
        repositoryId: idSchema,
        name: channelNameSchema,
        /** Null: releases go on. */
        reason: z.string().trim().min(1).max(500).nullable(),
      }),
    )
    .output(channelSummarySchema),
};

export const releasesApi = {
  list: route('GET', '/repositories/{repositoryId}/releases', 'Releases, newest first')
    .input(z.object({ repositoryId: idSchema, channel: channelNameSchema.optional() }))
    .output(z.array(releaseViewSchema)),
  preflight: route('POST', '/releases/preflight', 'What a promote or rollback would do, checked now')
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        /** A build to promote. Left out: a rollback. */
        buildId: idSchema.optional(),
        /** Of a rollback. Left out: the release before the current one. */
        toSerial: z.coerce.number().int().positive().optional(),
      }),
    )
    .output(preflightSchema),
  promote: route('POST', '/releases/promote', 'Make a build current on a channel')
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        /** Left out: the newest build. */
        buildId: idSchema.optional(),
        /** Instead of a build: what another channel runs, the same bytes. */
        fromChannel: channelNameSchema.optional(),
        reason: z.string().max(500).optional(),
        /** Although the channel is frozen, and in regions before their copy is verified; needs a reason. */
        force: z.boolean().default(false),
        /** Left out: as the channel does it. */
        rollout: rolloutRequestSchema.optional(),
      }),
    )
    .output(releaseViewSchema),
  rollback: route('POST', '/releases/rollback', 'Go back to an earlier release, as a new serial')
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        /** Left out: the release before the current one. */
        toSerial: z.coerce.number().int().positive().optional(),
        reason: z.string().max(500).optional(),
        /** Although the channel is frozen, and in regions before their copy is verified; needs a reason. */
        force: z.boolean().default(false),
      }),
    )
    .output(madeReleaseSchema),
  rollout: route('POST', '/releases/rollout', 'Stop the rollout of what a channel runs, or continue one that stopped')
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        verdict: z.enum(['continue', 'stop']),
        reason: z.string().trim().min(1).max(500),
      }),
    )
    .output(releaseViewSchema),
  migrate: route(
    'POST',
    '/releases/migrate',
    'Run the failed or interrupted migrations of a release again, or skip them',
  )
    .input(
      z.object({
        repositoryId: idSchema,
        channel: channelNameSchema,
        verdict: z.enum(['resume', 'skip']),
        reason: z.string().trim().min(1).max(500),
      }),
    )
    .output(releaseViewSchema),
};
