/** Owns the one contract between the engine and whoever drives it: interface, CLI, scripts. Knows no transport. */
import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { done, route } from './api-values.ts';
import { backupApi } from './backup.ts';
import { cachesApi, environmentApi, isolationApi } from './build-api.ts';
import { capacityApi } from './capacity.ts';
import { channelEnvironmentApi } from './channel-environment-api.ts';
import { diskApi } from './disk.ts';
import { idSchema, sha256Schema } from './documents.ts';
import { drillApi } from './drill.ts';
import { engineEventSchema, pushSchema } from './events.ts';
import { buildsApi, jobsApi } from './job-api.ts';
import { keyApi } from './key-api.ts';
import { machinesApi, swarmApi } from './machine-api.ts';
import { metricsApi } from './metrics.ts';
import { regionsApi, storeAccessApi } from './region-api.ts';
import { channelsApi, releasesApi } from './release-api.ts';
import { replicationPolicyApi } from './replication-api.ts';
import { gitAccessApi, repositoriesApi } from './repository-api.ts';
import { settingNameSchema, settingValueSchema, settingViewSchema } from './settings.ts';
import { engineStatusSchema, overviewSchema } from './views/engine.ts';
import { poolViewSchema, workerModeSchema } from './views/worker.ts';
import { webhooksApi } from './webhooks.ts';

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
  repositories: repositoriesApi,
  jobs: jobsApi,
  builds: buildsApi,
  regions: regionsApi,
  storeAccess: storeAccessApi,
  replicationPolicy: replicationPolicyApi,
  gitAccess: gitAccessApi,
  swarm: swarmApi,
  channels: channelsApi,
  releases: releasesApi,
  environment: environmentApi,
  channelEnvironment: channelEnvironmentApi,
  key: keyApi,
  drill: drillApi,
  disk: diskApi,
  caches: cachesApi,
  machines: machinesApi,
  workers: {
    get: route('GET', '/workers', 'The worker pool: its mode, its size and why, every worker').output(poolViewSchema),
    setMode: route('POST', '/workers/mode', 'Take jobs, take none, or end the workers as they finish')
      .input(z.object({ mode: workerModeSchema }))
      .output(poolViewSchema),
  },
  capacity: capacityApi,
  settings: {
    list: route('GET', '/settings', 'Every setting with its value and meaning').output(z.array(settingViewSchema)),
    set: route('POST', '/settings', 'Change a setting; it holds at once')
      .input(z.object({ name: settingNameSchema, value: settingValueSchema }))
      .output(settingViewSchema),
  },
  isolation: isolationApi,
  webhooks: webhooksApi,
  metrics: metricsApi,
  backup: backupApi,
  artifacts: {
    verify: route('POST', '/artifacts/{artifactId}/verify', 'Check pack, file list and build record in the main store')
      .input(z.object({ artifactId: sha256Schema }))
      .output(z.object({ checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })) })),
    torrent: route(
      'POST',
      '/artifacts/{artifactId}/torrent',
      'A torrent for other clients: tracker, announce token, web seed',
    )
      .input(z.object({ artifactId: sha256Schema, region: z.string().min(1).max(200) }))
      .output(
        z.object({
          name: z.string(),
          sizeBytes: z.number(),
          infoHash: z.string(),
          pieceCount: z.number(),
          trackers: z.number(),
          hasWebSeed: z.boolean(),
          noWebSeed: z.string().nullable(),
          expiresAtMs: z.number(),
          content: z.base64(),
        }),
      ),
  },
};
export type Api = typeof api;
