/** Owns the way of events to webhooks: each that one asks for is queued in the database, and sent until it is taken or given up. */
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import { type EngineEvent, eventTypeSchema } from '../contract/events.ts';
import { listEvents } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import {
  type DeliveryRecord,
  forgetOldDeliveries,
  listDeliveries,
  listWaitingDeliveries,
  listWebhooks,
  type NewDelivery,
  queueDeliveries,
  updateDelivery,
  type WebhookRecord,
} from '../database/webhooks.ts';
import { backoffMs, isDue, longestBackoffMs, webhookBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed } from '../secrets/seal.ts';
import type { RemoteAccess } from '../sources/remote-access.ts';
import type { Logger } from '../telemetry/logger.ts';
import { revisionOf } from './commit-status.ts';
import { bodyFor, outletSchema, requestFor } from './outlet.ts';
import type { OwnPorts } from './own-ports.ts';
import { type PostResult, postJson } from './post-json.ts';

/** By the rule of the delays, given up after half a day. */
const mostTries = 20;
/** Of each webhook; those that wait are kept besides. */
const keptDeliveries = 500;
const eventsAtOnce = 200;
const sentAtOnce = 50;
/** The longest sleep: a clock that is set, or a row that another process wrote, is noticed after so long. */
const lookEveryMs = 30_000;
const longestMs = longestBackoffMs(webhookBackoff);

export const eventsSchema = z.array(eventTypeSchema);
export const sealName = (id: string) => `slipway/webhook/${id}`;

export interface WebhookSender {
  /** Looks at what has happened, and sends what is due. */
  wake(): void;
  /** Settles when nothing is being sent to this webhook. */
  idle(webhookId: string): Promise<void>;
  stop(): Promise<void>;
}

export interface SenderOptions {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  /** The logins of forges. */
  readonly access: Pick<RemoteAccess, 'loginFor'>;
  readonly ownPorts: Pick<OwnPorts, 'assertForeign'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const wants = (webhook: WebhookRecord, event: EngineEvent): boolean =>
  (webhook.repositoryId === null || webhook.repositoryId === event.repositoryId) &&
  eventsSchema.parse(JSON.parse(webhook.events)).includes(event.type);

export function createWebhookSender(options: SenderOptions): WebhookSender {
  const { db, masterKey, access, ownPorts, clock, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** One at a time for each webhook: its receiver gets events in their order, and a slow one holds up no other. */
  const sending = new Map<string, Promise<void>>();
  let looking: Promise<void> | null = null;
  let again = false;
  let timer: NodeJS.Timeout | null = null;

  /** Queues what has happened since the last look. */
  async function gather(webhook: WebhookRecord): Promise<void> {
    for (let after = webhook.eventCursor; !signal.aborted; ) {
      const events = await listEvents(db, { after, limit: eventsAtOnce });
      const last = events.at(-1);
      if (!last) return;
      const now = clock();
      const rows: NewDelivery[] = [];
      for (const event of events) {
        const body = wants(webhook, event) ? await bodyFor(db, webhook.kind, event) : null;
        if (body === null) continue;
        const { cursor: eventCursor, type } = event;
        rows.push({
          ...{ id: uuidv7(), webhookId: webhook.id, eventCursor, event: type, body, queuedAt: now, nextTryAt: now },
          ...{ triedAt: null, httpStatus: null, error: null },
        });
      }
      await inTransaction(db, transaction => queueDeliveries(transaction, webhook.id, last.cursor, rows));
      if (rows.length > 0) await forgetOldDeliveries(db, webhook.id, keptDeliveries);
      if (events.length < eventsAtOnce) return;
      after = last.cursor;
    }
  }

  /** An older state of a commit would stand at the forge for the newer one. */
  async function isSuperseded(webhook: WebhookRecord, { body, eventCursor }: DeliveryRecord): Promise<boolean> {
    if (webhook.kind !== 'status') return false;
    const revision = revisionOf(body);
    const newest = await listDeliveries(db, webhook.id, keptDeliveries);
    return newest.some(other => other.eventCursor > eventCursor && revisionOf(other.body) === revision);
  }

  /** What cannot even be asked is a failed try as what was refused: a token may come, a name may change. */
  async function send(webhook: WebhookRecord, { id, body }: DeliveryRecord): Promise<PostResult> {
    const nowMs = clock();
    try {
      const sealed = openSealed(masterKey, Buffer.from(webhook.sealed, 'base64'), sealName(webhook.id));
      const outlet = outletSchema.parse(JSON.parse(sealed.toString()));
      const request = await requestFor(outlet, { id, body }, { nowMs, access });
      await ownPorts.assertForeign(new URL(request.url));
      return await postJson(request.url, request.body, { headers: request.headers, signal, nowMs });
    } catch (error) {
      if (error instanceof DomainError) return { status: null, error: error.message, retryAfterMs: null };
      throw error;
    }
  }

  /** Whether any was due: then there may be more than were taken at once. */
  async function sendDue(webhook: WebhookRecord): Promise<boolean> {
    const due = (await listWaitingDeliveries(db, webhook.id, sentAtOnce)).filter(({ nextTryAt }) =>
      isDue(nextTryAt ?? 0, clock(), longestMs),
    );
    for (const delivery of due) {
      if (signal.aborted) break;
      const { id } = delivery;
      if (await isSuperseded(webhook, delivery)) {
        const error = 'A newer state of the commit took its place.';
        await updateDelivery(db, id, { status: 'failed', nextTryAt: null, error });
        continue;
      }
      const { status: httpStatus, error, retryAfterMs } = await send(webhook, delivery);
      const tries = delivery.tries + 1;
      const tried = { tries, triedAt: clock(), httpStatus, error };
      if (error === null) {
        await updateDelivery(db, id, { ...tried, status: 'delivered', nextTryAt: null });
      } else if (tries >= mostTries) {
        await updateDelivery(db, id, { ...tried, status: 'failed', nextTryAt: null });
        logger.warn('webhook.given_up', { webhookId: webhook.id, deliveryId: id, error });
      } else {
        const waitMs = Math.max(
          backoffMs(webhookBackoff, tries, Math.random()),
          Math.min(retryAfterMs ?? 0, longestMs),
        );
        await updateDelivery(db, id, { ...tried, nextTryAt: clock() + waitMs });
      }
    }
    return due.length > 0;
  }

  async function look(): Promise<void> {
    let nextAt = clock() + lookEveryMs;
    for (const webhook of await listWebhooks(db)) {
      await gather(webhook);
      if (sending.has(webhook.id)) continue;
      const [first] = await listWaitingDeliveries(db, webhook.id, 1);
      if (!first) continue;
      if (!isDue(first.nextTryAt ?? 0, clock(), longestMs)) {
        nextAt = Math.min(nextAt, first.nextTryAt ?? nextAt);
        continue;
      }
      const sent = sendDue(webhook)
        .catch(error => {
          if (!signal.aborted) logger.error('webhook.not_sent', { webhookId: webhook.id, error });
          return false;
        })
        .then(sentSome => {
          sending.delete(webhook.id);
          if (sentSome) wake();
        });
      sending.set(webhook.id, sent);
    }
    if (!signal.aborted) timer = setTimeout(wake, Math.max(0, nextAt - clock()));
  }

  function wake(): void {
    if (signal.aborted) return;
    if (looking) {
      again = true;
      return;
    }
    if (timer) clearTimeout(timer);
    timer = null;
    looking = look()
      .catch(error => {
        logger.error('webhook.look_failed', { error });
        if (!signal.aborted) timer = setTimeout(wake, lookEveryMs);
      })
      .finally(() => {
        looking = null;
        if (!again) return;
        again = false;
        wake();
      });
  }

  return {
    wake,
    idle: async webhookId => sending.get(webhookId),
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await looking;
      await Promise.all(sending.values());
    },
  };
}
