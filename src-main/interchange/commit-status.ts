/** Owns commit statuses: what a job's state is to each forge, and how it is told. Knows no queue and no token. */
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import type { EngineEvent } from '../contract/events.ts';
import { type Forge, forgeSchema } from '../contract/webhooks.ts';
import { authorizationOf, defaultUser, type GitLogin } from '../sources/remote-access.ts';
import { parseSshAddress } from '../sources/ssh-address.ts';

export const statusTargetSchema = z.object({
  kind: z.literal('status'),
  forge: forgeSchema,
  /** Of the forge's REST API. */
  url: z.string(),
  /** `owner/name`; GitLab has groups within groups. */
  project: z.string(),
  context: z.string(),
  targetUrl: z.string().nullable(),
});
export type StatusTarget = z.infer<typeof statusTargetSchema>;

/** The events that change a status. */
export const statusEvents = ['job.queued', 'job.requeued', 'job.started', 'job.finished'] as const;

const stateSchema = z.enum(['pending', 'running', 'success', 'failure', 'cancelled', 'error']);
type State = z.infer<typeof stateSchema>;
const reportSchema = z.object({
  revision: z.string(),
  number: z.number().int(),
  state: stateSchema,
  description: z.string(),
});

function stateOf({ type, data }: EngineEvent): State {
  if (type === 'job.started') return 'running';
  if (type !== 'job.finished') return 'pending';
  switch (data.status) {
    case 'succeeded':
      return 'success';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return 'failure';
    default:
      return 'error';
  }
}

const words: Readonly<Record<State, string>> = {
  pending: 'waits in the queue',
  running: 'is being built',
  success: 'succeeded',
  failure: 'failed',
  cancelled: 'was cancelled',
  error: 'was interrupted',
};

/** What is queued of an event: neutral, and without anything that a build printed. */
export function statusReport(event: EngineEvent, job: { readonly revision: string; readonly number: number }): string {
  const state = stateOf(event);
  const { revision, number } = job;
  return JSON.stringify({ revision, number, state, description: `Job #${number} ${words[state]}` });
}

/** The commit that a report is of: a newer report of the same one takes its place. */
export const revisionOf = (report: string): string => reportSchema.parse(JSON.parse(report)).revision;

const segments = (path: string) => path.split('/').map(encodeURIComponent).join('/');

/**
 * The request that tells a report. Sources: GitHub "REST API endpoints for commit statuses"; Gitea `/repos/{owner}/{repo}/statuses/{sha}`;
 * GitLab "Commits API, Set commit pipeline status"; Bitbucket Cloud "Commit statuses", which wants an address.
 */
export function statusRequest(target: StatusTarget, report: string): { readonly url: string; readonly body: string } {
  const { revision, number, state, description } = reportSchema.parse(JSON.parse(report));
  const { forge, project, context } = target;
  const api = target.url.replace(/\/+$/, '');
  const link = target.targetUrl?.replaceAll('{revision}', revision).replaceAll('{job}', String(number)) ?? null;
  switch (forge) {
    case 'github':
    case 'gitea': {
      const states = {
        pending: 'pending',
        running: 'pending',
        success: 'success',
        failure: 'failure',
        cancelled: 'error',
        error: 'error',
      };
      return {
        url: `${api}/repos/${segments(project)}/statuses/${revision}`,
        body: JSON.stringify({ state: states[state], description, context, ...(link && { target_url: link }) }),
      };
    }
    case 'gitlab': {
      const states = {
        pending: 'pending',
        running: 'running',
        success: 'success',
        failure: 'failed',
        cancelled: 'canceled',
        error: 'failed',
      };
      return {
        url: `${api}/projects/${encodeURIComponent(project)}/statuses/${revision}`,
        body: JSON.stringify({ state: states[state], description, name: context, ...(link && { target_url: link }) }),
      };
    }
    case 'bitbucket': {
      const states = {
        pending: 'INPROGRESS',
        running: 'INPROGRESS',
        success: 'SUCCESSFUL',
        failure: 'FAILED',
        cancelled: 'STOPPED',
        error: 'FAILED',
      };
      const own = `https://bitbucket.org/${segments(project)}/commits/${revision}`;
      return {
        url: `${api}/repositories/${segments(project)}/commit/${revision}/statuses/build`,
        // Keys have at most 40 characters.
        body: JSON.stringify({
          state: states[state],
          description,
          key: context.slice(0, 40),
          name: context,
          url: link ?? own,
        }),
      };
    }
  }
}

/** Where the login of an API lies: two forges have theirs under another name than their repositories. */
export function loginUrlOf({ url }: Pick<StatusTarget, 'url'>): string {
  const { hostname } = new URL(url);
  if (hostname === 'api.github.com') return 'https://github.com/';
  if (hostname === 'api.bitbucket.org') return 'https://bitbucket.org/';
  return url;
}

/** With a user of its own it is a password, otherwise a token. */
export function statusAuthorization({ forge, url }: StatusTarget, login: GitLogin): string {
  if (forge === 'gitea') return `token ${login.token}`;
  const host = new URL(loginUrlOf({ url })).host;
  const isPassword = forge === 'bitbucket' && login.user !== defaultUser(host);
  return isPassword ? authorizationOf(login) : `Bearer ${login.token}`;
}

function guessForge(host: string): Forge | null {
  if (/(^|\.)github\./.test(host)) return 'github';
  if (/(^|\.)gitlab\./.test(host)) return 'gitlab';
  if (host === 'bitbucket.org') return 'bitbucket';
  if (/^(?:codeberg\.org|(?:.*\.)?(?:gitea|forgejo)\..*)$/.test(host)) return 'gitea';
  return null;
}

function apiOf(forge: Forge, origin: string, host: string): string {
  switch (forge) {
    case 'github':
      return host === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
    case 'gitlab':
      return `${origin}/api/v4`;
    case 'gitea':
      return `${origin}/api/v1`;
    case 'bitbucket':
      return 'https://api.bitbucket.org/2.0';
  }
}

/** Where the statuses of a repository go. Throws `input.invalid` where its address does not say. */
export function statusTargetOf(
  repositoryUrl: string,
  chosen: {
    readonly forge?: Forge | undefined;
    readonly apiUrl?: string | undefined;
    readonly project?: string | undefined;
    readonly targetUrl?: string | undefined;
    readonly context: string;
  },
): StatusTarget {
  const web = /^https?:/i.test(repositoryUrl) ? URL.parse(repositoryUrl) : null;
  const ssh = web === null ? parseSshAddress(repositoryUrl) : null;
  const host = web?.hostname ?? ssh?.host ?? null;
  const forge = chosen.forge ?? (host === null ? null : guessForge(host));
  const path = chosen.project ?? web?.pathname ?? ssh?.path ?? '';
  const project = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/i, '');
  const api =
    chosen.apiUrl ?? (forge === null || host === null ? null : apiOf(forge, web?.origin ?? `https://${host}`, host));
  if (forge === null || api === null || !/^[^/]+(?:\/[^/]+)+$/.test(project)) {
    throw new DomainError(
      'input.invalid',
      `${repositoryUrl} does not say which forge it is on. Give --forge (${forgeSchema.options.join(', ')}), --api with the address of its REST API, and --project owner/name.`,
      { field: 'forge' },
    );
  }
  const { context, targetUrl = null } = chosen;
  return { kind: 'status', forge, url: api, project, context, targetUrl };
}
