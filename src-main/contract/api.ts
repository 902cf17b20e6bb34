/** Owns the one contract between the engine and whoever drives it: interface, CLI, scripts. Knows no transport. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { cacheLimitSchema, cachesViewSchema, clearedCachesSchema } from './caches.ts';
import { channelEnvironmentApi } from './channel-environment-api.ts';
import { diskApi, pinBuildRoute } from './disk.ts';
import { channelNameSchema, idSchema, sha256Schema } from './documents.ts';
import { drillApi } from './drill.ts';
import {
  environmentViewSchema,
  ownNameSchema,
  secretValueSchema,
  variableNameSchema,
  variableValueSchema,
} from './environment.ts';
import { engineEventSchema, pushSchema } from './events.ts';
import { evidenceBundleSchema } from './evidence.ts';
import { gitAccessSchema, gitAccessViewSchema, gitHostSchema } from './git-access.ts';
import { buildDefaultsChangeSchema } from './isolation.ts';
import { keyApi } from './key-api.ts';
import { auditResultSchema, regionLimitsSchema, replicationPolicyApi } from './replication-api.ts';
import { rolloutRequestSchema } from './rollout.ts';
import { settingNameSchema, settingValueSchema, settingViewSchema } from './settings.ts';
import { storeAccessSchema, storeAccessViewSchema, storeUrlSchema } from './store-access.ts';
import { testOutcomeSchema, testPageSchema } from './test-results.ts';
import {
  buildViewSchema,
  channelPolicySchema,
  channelSummarySchema,
  engineStatusSchema,
  isolationViewSchema,
  jobDetailSchema,
  jobStatusSchema,
  jobSummarySchema,
  logChunkSchema,
  machineViewSchema,
  madeReleaseSchema,
  overviewSchema,
  pairingSchema,
  poolViewSchema,
  preflightSchema,
  queueSettingsSchema,
  regionViewSchema,
  releaseViewSchema,
  replicationViewSchema,
  repositoryDetailSchema,
  repositoryInspectionSchema,
  repositoryRowSchema,
  sbomViewSchema,
  swarmViewSchema,
  workerModeSchema,
} from './views.ts';

const done = z.object({ done: z.literal(true) });
const byId = z.object({ id: idSchema });

/** A name that a person gives: shown, never used as a path. */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, 'a name is needed')
  .max(100, 'at most 100 characters')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/, 'control characters are not allowed');

/** A branch as Git allows it, a little stricter. Source: git-check-ref-format(1). */
export const branchNameSchema = z
  .string()
  .min(1, 'a branch is needed')
  .max(255)
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)|\/\.|[/.]$))[^\s\u007f~^:?*[\\]+$/,
    'this is not a branch name',
  );

export const addRepositorySchema = z.object({
  url: z.string().trim().min(1, 'a URL or a path is needed').max(2_000),
  name: displayNameSchema.optional(),
  /** Left out: the default branch of the remote. */
  branch: branchNameSchema.optional(),
});

export const addRegionSchema = z.object({
  name: displayNameSchema,
  location: z.string().trim().max(100).default(''),
  // Not coerced: null would become 0, a place in the Gulf of Guinea.
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  storeUrl: storeUrlSchema,
  /** Kept sealed with the region; left out: what is set for the store already, else the provider's own chain. */
  access: storeAccessSchema.optional(),
});

const route = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: `/${string}`, summary: string) =>
  oc.route({ method, path, summary });

export const api = {
  engine: {
    status: route('GET', '/status', 'How the engine is').output(engineStatusSchema),
    overview: route('GET', '/overview', 'Every repository, what runs, what waits').output(overviewSchema),
    stop: route('POST', '/stop', 'End the engine in good order').output(done),
  },
  events: {
    list: route('GET', '/events', 'Events after a cursor, oldest first')
      .input(
        z.object({
          after: z.coerce.number().int().nonnegative().default(0),
          limit: z.coerce.number().int().min(1).max(1_000).default(200),
          jobId: idSchema.optional(),
          repositoryId: idSchema.optional(),
        }),
      )
      .output(z.array(engineEventSchema)),
    /** Events after `after` (or after now), then live; resumes from the last event id. */
    subscribe: route('GET', '/events/stream', 'The live stream of events')
      .input(z.object({ after: z.coerce.number().int().nonnegative().optional() }))
      .output(eventIterator(pushSchema)),
  },
  repositories: {
    list: route('GET', '/repositories', 'All repositories').output(z.array(repositoryRowSchema)),
    get: route('GET', '/repositories/{id}', 'One repository').input(byId).output(repositoryDetailSchema),
    inspect: route('POST', '/repositories/inspect', 'Look at a URL before adding it: branches and plan')
      .input(addRepositorySchema)
      .output(repositoryInspectionSchema),
    add: route('POST', '/repositories', 'Add a repository').input(addRepositorySchema).output(repositoryRowSchema),
    addSample: route('POST', '/repositories/sample', 'Add the sample project').output(repositoryRowSchema),
    remove: route('DELETE', '/repositories/{id}', 'Stop watching a repository').input(byId).output(done),
    pollNow: route('POST', '/repositories/{id}/poll', 'Look for a new revision now').input(byId).output(done),
    setQueue: route('PATCH', '/repositories/{id}/queue', 'Change how the jobs of a repository are queued')
      .input(queueSettingsSchema.partial().extend({ id: idSchema }))
      .output(repositoryRowSchema),
    setPolling: route('PATCH', '/repositories/{id}/polling', 'Change how often a repository is looked at')
      .input(
        z.object({
          id: idSchema,
          /** Null for the installation's. */
          intervalMs: z.number().int().min(2_000).max(86_400_000).nullable(),
        }),
      )
      .output(repositoryRowSchema),
    buildNow: route('POST', '/repositories/{id}/build', 'Build the newest revision again')
      .input(
        z.object({
          id: idSchema,
          /** False builds without what earlier builds have cached. */
          cache: z.boolean().default(true),
          /** Before the jobs of other repositories, with whatever waits before it in its own. */
          priority: z.boolean().default(false),
        }),
      )
      .output(jobSummarySchema),
  },
  jobs: {
    list: route('GET', '/jobs', 'Jobs, newest first')
      .input(
        z.object({
          repositoryId: idSchema.optional(),
          status: jobStatusSchema.optional(),
          before: z.coerce.number().int().positive().optional(),
          limit: z.coerce.number().int().min(1).max(500).default(100),
        }),
      )
      .output(z.object({ jobs: z.array(jobSummarySchema), total: z.number().int() })),
    get: route('GET', '/jobs/{id}', 'One job with steps and attempts').input(byId).output(jobDetailSchema),
    log: route('GET', '/jobs/{id}/log', 'Part of the log by byte range')
      .input(
        z.object({
          id: idSchema,
          attempt: z.coerce.number().int().positive().optional(),
          offset: z.coerce.number().int().nonnegative().default(0),
          limit: z.coerce
            .number()
            .int()
            .min(1)
            .max(1024 * 1024)
            .default(256 * 1024),
        }),
      )
      .output(logChunkSchema),
    tests: route('GET', '/jobs/{id}/tests', 'Tests of an attempt, from the JUnit files that its steps wrote')
      .input(
        z.object({
          id: idSchema,
          attempt: z.coerce.number().int().positive().optional(),
          outcome: testOutcomeSchema.optional(),
          /** The `next` of the page before. */
          after: z.coerce.number().int().nonnegative().default(0),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
      )
      .output(testPageSchema),
    cancel: route('POST', '/jobs/{id}/cancel', 'Cancel a queued or running job').input(byId).output(jobSummarySchema),
    retry: route('POST', '/jobs/{id}/retry', 'Run a finished job again as its next attempt')
      .input(byId)
      .output(jobSummarySchema),
  },
  builds: {
    list: route('GET', '/builds', 'What jobs made, newest first')
      .input(
        z.object({
          repositoryId: idSchema.optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
      )
      .output(z.array(buildViewSchema)),
    components: route('GET', '/builds/{id}/components', 'What the SBOM of a build, or of a job, lists')
      .input(byId)
      .output(sbomViewSchema),
    sbom: route('GET', '/builds/{id}/sbom', 'The SBOM of a build, or of a job: CycloneDX 1.6 JSON')
      .input(byId)
      .output(z.object({ buildId: idSchema, document: z.string() })),
    pin: pinBuildRoute,
  },
  regions: {
    list: route('GET', '/regions', 'The main store and every region').output(z.array(regionViewSchema)),
    add: route('POST', '/regions', 'Add a region').input(addRegionSchema).output(regionViewSchema),
    remove: route('DELETE', '/regions/{id}', 'Stop replicating to a region; its blobs stay').input(byId).output(done),
    setPaused: route('PATCH', '/regions/{id}', 'Pause or resume a region')
      .input(z.object({ id: idSchema, paused: z.boolean() }))
      .output(regionViewSchema),
    replication: route('GET', '/replication', 'Replication status of the newest artifacts')
      .input(
        z.object({
          repositoryId: idSchema.optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
      )
      .output(replicationViewSchema),
    retry: route('POST', '/regions/{id}/retry', 'Retry failed copies now').input(byId).output(done),
    setLimits: route('PATCH', '/regions/{id}/limits', 'Copies at once, bandwidth, and how often copies are read back')
      .input(regionLimitsSchema.partial().extend({ id: idSchema }))
      .output(regionViewSchema),
    verify: route('POST', '/regions/{id}/verify', 'Look at all that a store holds, and repair what is wrong')
      .input(
        z.object({
          id: idSchema,
          /** Read everything back that the provider's checksums cannot prove. False: what was written since it was proven. */
          deep: z.boolean().default(false),
        }),
      )
      .output(auditResultSchema),
  },
  storeAccess: {
    list: route('GET', '/store-access', 'Whose credentials open which store; never what is secret').output(
      z.array(storeAccessViewSchema),
    ),
    set: route('POST', '/store-access', 'Set or replace the credentials of a store')
      .input(z.object({ storeUrl: storeUrlSchema, access: storeAccessSchema }))
      .output(storeAccessViewSchema),
    remove: route(
      'POST',
      '/store-access/remove',
      "Remove the credentials of a store; its provider's own chain is asked",
    )
      .input(z.object({ storeUrl: storeUrlSchema }))
      .output(done),
  },
  replicationPolicy: replicationPolicyApi,
  gitAccess: {
    list: route('GET', '/git-access', 'Which Git servers have a login; never its token').output(
      z.array(gitAccessViewSchema),
    ),
    set: route('POST', '/git-access', 'Set or replace the login of a Git server')
      .input(z.object({ host: gitHostSchema, access: gitAccessSchema }))
      .output(gitAccessViewSchema),
    remove: route('POST', '/git-access/remove', 'Forget the login of a Git server')
      .input(z.object({ host: gitHostSchema }))
      .output(done),
  },
  swarm: {
    get: route('GET', '/swarm', 'What is seeded, to whom').output(swarmViewSchema),
    setPaused: route('POST', '/swarm/pause', 'Pause or resume seeding; a pause may end by itself after some minutes')
      .input(z.object({ paused: z.boolean(), minutes: z.number().int().min(1).max(10_080).optional() }))
      .output(swarmViewSchema),
  },
  channels: {
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
  },
  releases: {
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
  },
  /** What builds of a repository get. The values of secrets go in and never come out. */
  environment: {
    get: route('GET', '/repositories/{repositoryId}/environment', 'Variables with their origin, and names of secrets')
      .input(z.object({ repositoryId: idSchema }))
      .output(environmentViewSchema),
    setVariable: route('POST', '/repositories/{repositoryId}/variables', 'Set or replace a variable of its builds')
      .input(z.object({ repositoryId: idSchema, name: ownNameSchema, value: variableValueSchema }))
      .output(done),
    removeVariable: route('DELETE', '/repositories/{repositoryId}/variables/{name}', 'Remove a variable of its builds')
      .input(z.object({ repositoryId: idSchema, name: variableNameSchema }))
      .output(done),
    setSecret: route('POST', '/repositories/{repositoryId}/secrets', 'Set or replace a secret of its builds')
      .input(z.object({ repositoryId: idSchema, name: ownNameSchema, value: secretValueSchema }))
      .output(done),
    removeSecret: route('DELETE', '/repositories/{repositoryId}/secrets/{name}', 'Remove a secret of its builds')
      .input(z.object({ repositoryId: idSchema, name: variableNameSchema }))
      .output(done),
  },
  channelEnvironment: channelEnvironmentApi,
  key: keyApi,
  drill: drillApi,
  disk: diskApi,
  /** What builds keep for later ones: files by lock file, and results by everything that they are made of. */
  caches: {
    list: route('GET', '/caches', 'Caches and the disk that they take')
      .input(z.object({ repositoryId: idSchema.optional() }))
      .output(cachesViewSchema),
    clear: route('POST', '/caches/clear', 'Remove the caches and forget the results of one repository, or of all')
      .input(z.object({ repositoryId: idSchema.optional() }))
      .output(clearedCachesSchema),
    setLimit: route('POST', '/caches/limit', 'Set the cap of all caches together; what no longer fits is removed')
      .input(z.object({ limitBytes: cacheLimitSchema }))
      .output(cachesViewSchema),
  },
  machines: {
    list: route('GET', '/machines', 'Machines by channel')
      .input(z.object({ repositoryId: idSchema.optional() }))
      .output(z.array(machineViewSchema)),
    pair: route('POST', '/machines/pair', 'The command that pairs a new machine')
      .input(
        z.object({
          repositoryId: idSchema,
          channel: channelNameSchema,
          name: displayNameSchema,
          regionId: idSchema.optional(),
        }),
      )
      .output(pairingSchema),
    evidence: route(
      'GET',
      '/machines/{id}/evidence',
      'What a machine kept of the newest release that did not come up, or of one',
    )
      .input(z.object({ id: idSchema, serial: z.coerce.number().int().positive().optional() }))
      .output(evidenceBundleSchema.nullable()),
    repair: route('POST', '/machines/{id}/repair', 'Let a machine put right what it runs, and start it anew')
      .input(byId)
      .output(done),
    remove: route('DELETE', '/machines/{id}', 'Revoke a machine').input(byId).output(done),
  },
  workers: {
    get: route('GET', '/workers', 'The worker pool: its mode, its size and why, every worker').output(poolViewSchema),
    setMode: route('POST', '/workers/mode', 'Take jobs, take none, or end the workers as they finish')
      .input(z.object({ mode: workerModeSchema }))
      .output(poolViewSchema),
  },
  settings: {
    list: route('GET', '/settings', 'Every setting with its value and meaning').output(z.array(settingViewSchema)),
    set: route('POST', '/settings', 'Change a setting; it holds at once')
      .input(z.object({ name: settingNameSchema, value: settingValueSchema }))
      .output(settingViewSchema),
  },
  isolation: {
    get: route('GET', '/isolation', 'Levels that work here, and what builds get that ask for nothing').output(
      isolationViewSchema,
    ),
    set: route('PATCH', '/isolation', 'Change what builds get that ask for nothing')
      .input(buildDefaultsChangeSchema)
      .output(done),
    setOfRepository: route(
      'POST',
      '/repositories/{repositoryId}/isolation',
      'Choose for one repository; null is the default',
    )
      .input(z.object({ repositoryId: idSchema, level: buildDefaultsChangeSchema.shape.isolation.unwrap().nullable() }))
      .output(done),
  },
  artifacts: {
    verify: route('POST', '/artifacts/{artifactId}/verify', 'Check pack, file list and build record in the main store')
      .input(z.object({ artifactId: sha256Schema }))
      .output(z.object({ checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })) })),
  },
};
export type Api = typeof api;
