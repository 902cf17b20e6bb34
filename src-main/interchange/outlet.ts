/** Owns the kinds of what is told elsewhere: what each queues of an event, and the request that delivers it. Knows no queue. */
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import type { EngineEvent } from '../contract/events.ts';
import type { Webhook } from '../contract/webhooks.ts';
import { findJob } from '../database/jobs.ts';
import type { Db } from '../database/open-database.ts';
import type { RemoteAccess } from '../sources/remote-access.ts';
import { loginUrlOf, statusAuthorization, statusReport, statusRequest, statusTargetSchema } from './commit-status.ts';
import { jobTrace } from './job-trace.ts';
import { webhookBody } from './webhook-events.ts';
import { signatureHeaders } from './webhook-signature.ts';

const signedSchema = z.object({ kind: z.literal('webhook').default('webhook'), url: z.string(), secret: z.string() });
const tracesSchema = z.object({
  kind: z.literal('traces'),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
});

/** What is sealed of one: address, secret, and whatever else it needs. Rows of before there were kinds are webhooks. */
export const outletSchema = z.union([statusTargetSchema, tracesSchema, signedSchema]);
export type Outlet = z.infer<typeof outletSchema>;

/** The body that is queued of an event; null for one that is nothing to this kind. */
export async function bodyFor(db: Db, kind: Webhook['kind'], event: EngineEvent): Promise<string | null> {
  if (kind === 'webhook') return webhookBody(db, event);
  const job = event.jobId === null ? null : await findJob(db, event.jobId);
  if (job === null) return null;
  return kind === 'status' ? statusReport(event, job) : jobTrace(db, job);
}

export interface OutletRequest {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request of one delivery. Throws `secret.missing` without a login for the forge, and what reading that throws. */
export async function requestFor(
  outlet: Outlet,
  delivery: { readonly id: string; readonly body: string },
  options: { readonly nowMs: number; readonly access: Pick<RemoteAccess, 'loginFor'> },
): Promise<OutletRequest> {
  const { id, body } = delivery;
  switch (outlet.kind) {
    case 'webhook':
      return {
        url: outlet.url,
        body,
        headers: signatureHeaders({ secret: outlet.secret, id, atMs: options.nowMs, body }),
      };
    case 'traces':
      return { url: outlet.url, body, headers: outlet.headers };
    case 'status': {
      const host = new URL(loginUrlOf(outlet)).host;
      const login = await options.access.loginFor(loginUrlOf(outlet));
      if (login === null) {
        throw new DomainError(
          'secret.missing',
          `No token is set for ${host}, with which commit statuses could be written. Give one: slipway git access set ${host}`,
          { host },
        );
      }
      const headers = { authorization: statusAuthorization(outlet, login), accept: 'application/json' };
      return { ...statusRequest(outlet, body), headers };
    }
  }
}
