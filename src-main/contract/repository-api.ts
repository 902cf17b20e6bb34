/** Owns the calls on repositories, and on the logins to their servers. */

import { z } from 'zod';
import { alertSwitchesSchema } from './alerts.ts';
import { branchNameSchema, byId, displayNameSchema, done, route } from './api-values.ts';
import { channelNameSchema, idSchema } from './documents.ts';
import { gitAccessSchema, gitAccessViewSchema, gitHostSchema } from './git-access.ts';
import { sourceOptionsSchema, vcsSchema } from './source-options.ts';
import { timelineRoute } from './timeline.ts';
import { jobSummarySchema } from './views/job.ts';
import {
  queueSettingsSchema,
  repositoryDetailSchema,
  repositoryInspectionSchema,
  repositoryRowSchema,
} from './views/repository.ts';

/** What a person chooses about a source; what is left out stays as it is. */
export const sourceChangeSchema = sourceOptionsSchema.partial();

export const addRepositorySchema = z.object({
  url: z.string().trim().min(1, 'a URL or a path is needed').max(2_000),
  name: displayNameSchema.optional(),
  /** Left out: the default branch of the remote. */
  branch: branchNameSchema.optional(),
  /** Left out: found out. */
  vcs: vcsSchema.optional(),
  source: sourceChangeSchema.optional(),
});

export const repositoriesApi = {
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
  setBranch: route('PATCH', '/repositories/{id}/branch', 'Watch another branch of a repository')
    .input(z.object({ id: idSchema, branch: branchNameSchema }))
    .output(repositoryRowSchema),
  setSource: route(
    'PATCH',
    '/repositories/{id}/source',
    "Change what of a repository's source makes jobs or is fetched",
  )
    .input(sourceChangeSchema.extend({ id: idSchema }))
    .output(repositoryRowSchema),
  setAlerts: route('PATCH', '/repositories/{id}/alerts', 'Choose which events of a repository notify')
    .input(alertSwitchesSchema.partial().extend({ id: idSchema }))
    .output(repositoryRowSchema),
  hook: route('GET', '/repositories/{id}/hook', 'Where a forge sends the webhooks of a repository, and their secret')
    .input(byId)
    .output(
      z.object({
        path: z.string(),
        secret: z.string(),
        /** Address and port; null while no webhook is heard. */
        listening: z.string().nullable(),
        problem: z.string().nullable(),
      }),
    ),
  timeline: timelineRoute,
  badge: route('GET', '/repositories/{id}/badge', 'The state of the newest job, or of a channel, as an SVG picture')
    .input(z.object({ id: idSchema, channel: channelNameSchema.optional() }))
    .output(z.object({ svg: z.string() })),
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
};

export const gitAccessApi = {
  list: route('GET', '/git-access', 'Which Git servers have a login; never its token').output(
    z.array(gitAccessViewSchema),
  ),
  set: route('POST', '/git-access', 'Set or replace the login of a Git server')
    .input(z.object({ host: gitHostSchema, access: gitAccessSchema }))
    .output(gitAccessViewSchema),
  remove: route('POST', '/git-access/remove', 'Forget the login of a Git server')
    .input(z.object({ host: gitHostSchema }))
    .output(done),
};
