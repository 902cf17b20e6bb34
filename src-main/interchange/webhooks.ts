/** Owns webhooks out: every event that one asks for is queued in the database and sent until it is taken, at least once. */
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import { type EngineEvent, eventTypeSchema } from '../contract/events.ts';
import type { Delivery, Webhook } from '../contract/webhooks.ts';
import type { EventFeed } from '../database/event-feed.ts';
import { lastCursor, listEvents } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { findRepository } from '../database/repositories.ts';
import {
  countDeliveries,
  type DeliveryRecord,
  deleteWebhook,
  findDelivery,
  forgetOldDeliveries,
  insertWebhook,
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
import { openSealed, seal } from '../secrets/seal.ts';
import type { Logger } from '../telemetry/logger.ts';
import { postJson } from './post-json.ts';
import { webhookBody } from './webhook-events.ts';
import { createWebhookSecret, signatureHeaders } from './webhook-signature.ts';

/** By the rule of the delays, given up after half a day. */
const mostTries = 20;
/** Of each webhook; those that wait are kept besides. */
const keptDeliveries = 500;
const eventsAtOnce = 200;
const sentAtOnce = 50;
/** The longest sleep: a clock that is set, or a row that another process wrote, is noticed after so long. */
const lookEveryMs = 30_000;
const mostWebhooks = 50;

export interface Webhooks {
  start(): void;
  /** What is being sent is broken off, and sent again at the next start. */
  stop(): Promise<void>;
  list(): Promise<Webhook[]>;
  /** The secret is told this once. Throws `input.invalid`, `not_found`, `conflict`. */
  add(request: {
    readonly url: string;
    readonly repositoryId?: string | undefined;
    readonly events: Webhook['events'];
  }): Promise<Webhook & { readonly secret: string }>;
  /** Throws `not_found`. */
  remove(id: string): Promise<void>;
  /** Newest first. Throws `not_found`. */
  deliveries(id: string, limit: number): Promise<Delivery[]>;
  /** Throws `not_found`. */
  redeliver(id: string): Promise<Delivery>;
}

const sealedSchema = z.object({ url: z.string(), secret: z.string() });
const eventsSchema = z.array(eventTypeSchema);
const sealName = (id: string) => `slipway/webhook/${id}`;

/** Throws `input.invalid`. */
function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new DomainError('input.invalid', 'A webhook needs the address of a server: https://…', { field: 'url' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new DomainError(
      'input.invalid',
      'A login in the address is not used. Deliveries are signed: give the address alone, and check the signature there.',
      { field: 'url' },
    );
  }
  return url;
}

const deliveryView = (row: DeliveryRecord): Delivery => ({
  id: row.id,
  webhookId: row.webhookId,
  event: eventTypeSchema.parse(row.event),
  status: row.status,
  tries: row.tries,
  queuedAtMs: row.queuedAt,
  nextTryAtMs: row.nextTryAt,
  httpStatus: row.httpStatus,
  error: row.error,
});

const wants = (webhook: WebhookRecord, event: EngineEvent): boolean =>
  (webhook.repositoryId === null || webhook.repositoryId === event.repositoryId) &&
  eventsSchema.parse(JSON.parse(webhook.events)).includes(event.type);

export function createWebhooks(options: {
  readonly db: Db;
  readonly feed: Pick<EventFeed, 'onEvent'>;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
}): Webhooks {
  const { db, feed, masterKey, clock, logger } = options;
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
        if (!wants(webhook, event)) continue;
        const { cursor: eventCursor, type } = event;
        const body = await webhookBody(db, event);
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

  const longestMs = longestBackoffMs(webhookBackoff);

  /** Whether any was due: then there may be more than were taken at once. */
  async function sendDue(webhook: WebhookRecord): Promise<boolean> {
    const due = (await listWaitingDeliveries(db, webhook.id, sentAtOnce)).filter(({ nextTryAt }) =>
      isDue(nextTryAt ?? 0, clock(), longestMs),
    );
    if (due.length === 0) return false;
    const { url, secret } = sealedSchema.parse(
      JSON.parse(openSealed(masterKey, Buffer.from(webhook.sealed, 'base64'), sealName(webhook.id)).toString()),
    );
    for (const { id, body, tries: before } of due) {
      if (signal.aborted) break;
      const now = clock();
      const headers = signatureHeaders({ secret, id, atMs: now, body });
      const { status: httpStatus, error, retryAfterMs } = await postJson(url, body, { headers, signal, nowMs: now });
      const tries = before + 1;
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
    return true;
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

  async function viewsOf(rows: readonly WebhookRecord[]): Promise<Webhook[]> {
    const counts = await countDeliveries(db);
    return rows.map(({ id, server, repositoryId, events, addedAt }) => {
      const of = (status: Delivery['status']) =>
        counts.find(one => one.webhookId === id && one.status === status) ?? { count: 0, triedAt: null };
      return {
        ...{ id, server, repositoryId, addedAtMs: addedAt, events: eventsSchema.parse(JSON.parse(events)) },
        ...{ waiting: of('waiting').count, failed: of('failed').count, deliveredAtMs: of('delivered').triedAt },
      };
    });
  }

  async function mustFind(id: string): Promise<WebhookRecord> {
    const found = (await listWebhooks(db)).find(webhook => webhook.id === id);
    if (!found) throw new DomainError('not_found', `There is no webhook ${id}. See "slipway webhook list".`, { id });
    return found;
  }

  return {
    start() {
      feed.onEvent(wake);
      wake();
    },
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await looking;
      await Promise.all(sending.values());
    },
    list: async () => viewsOf(await listWebhooks(db)),
    async add({ url: text, repositoryId, events }) {
      const url = parseAddress(text);
      if (repositoryId !== undefined && !(await findRepository(db, repositoryId))) {
        throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
      }
      if ((await listWebhooks(db)).length >= mostWebhooks) {
        throw new DomainError('conflict', `There are ${mostWebhooks} webhooks already. Remove one that is not needed.`);
      }
      const id = uuidv7();
      const secret = createWebhookSecret();
      const sealed = seal(masterKey, Buffer.from(JSON.stringify({ url: url.href, secret })), sealName(id));
      const row: WebhookRecord = {
        ...{ id, server: url.origin, repositoryId: repositoryId ?? null, addedAt: clock() },
        ...{ events: JSON.stringify([...new Set(events)]), sealed: sealed.toString('base64') },
        eventCursor: await lastCursor(db),
      };
      await insertWebhook(db, row);
      const [view] = await viewsOf([row]);
      if (!view) throw new Error('the new webhook has no view');
      wake();
      return { ...view, secret };
    },
    async remove(id) {
      await mustFind(id);
      await sending.get(id);
      await deleteWebhook(db, id);
    },
    async deliveries(id, limit) {
      await mustFind(id);
      return (await listDeliveries(db, id, limit)).map(deliveryView);
    },
    async redeliver(id) {
      const found = await findDelivery(db, id);
      if (!found) {
        throw new DomainError('not_found', `There is no delivery ${id}; old ones are not kept.`, { id });
      }
      const change = { status: 'waiting', nextTryAt: clock(), tries: 0 } as const;
      await updateDelivery(db, id, change);
      wake();
      return deliveryView({ ...found, ...change });
    },
  };
}
