/** Owns what is told elsewhere: webhooks, commit statuses and traces, as a person adds, looks at and removes them. */
import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../contract/errors.ts';
import { eventTypeSchema } from '../contract/events.ts';
import type { Delivery, Forge, Webhook } from '../contract/webhooks.ts';
import type { EventFeed } from '../database/event-feed.ts';
import { lastCursor } from '../database/events.ts';
import { findRepository } from '../database/repositories.ts';
import {
  countDeliveries,
  type DeliveryRecord,
  deleteWebhook,
  findDelivery,
  insertWebhook,
  listDeliveries,
  listWebhooks,
  updateDelivery,
  type WebhookRecord,
} from '../database/webhooks.ts';
import { seal } from '../secrets/seal.ts';
import { mayCarryLogin } from '../sources/remote-access.ts';
import { statusEvents, statusTargetOf } from './commit-status.ts';
import { tracesPath } from './job-trace.ts';
import { type Outlet, requestFor } from './outlet.ts';
import { createWebhookSender, eventsSchema, type SenderOptions, sealName } from './webhook-sender.ts';
import { createWebhookSecret } from './webhook-signature.ts';

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
  /** Throws `input.invalid`, `not_found`, `conflict`, and `secret.missing` without a login for the forge. */
  addStatus(request: {
    readonly repositoryId: string;
    readonly forge?: Forge | undefined;
    readonly apiUrl?: string | undefined;
    readonly project?: string | undefined;
    readonly targetUrl?: string | undefined;
    readonly context: string;
  }): Promise<Webhook>;
  /** Throws `input.invalid`, `not_found`, `conflict`. */
  addTraces(request: {
    readonly url: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly repositoryId?: string | undefined;
  }): Promise<Webhook>;
  /** Throws `not_found`. */
  remove(id: string): Promise<void>;
  /** Newest first. Throws `not_found`. */
  deliveries(id: string, limit: number): Promise<Delivery[]>;
  /** Throws `not_found`. */
  redeliver(id: string): Promise<Delivery>;
}

/** Throws `input.invalid`. */
function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new DomainError('input.invalid', 'The address of a server is needed: https://…', { field: 'url' });
  }
  if (url.username !== '' || url.password !== '') {
    throw new DomainError(
      'input.invalid',
      'A login in the address is not used. Give the address alone: deliveries are signed, a forge has its own login, and traces may have headers.',
      { field: 'url' },
    );
  }
  return url;
}

/** Throws `input.invalid` where a login would go over the network in clear. */
function assertPrivate(url: URL): void {
  if (mayCarryLogin(url.href)) return;
  throw new DomainError(
    'input.invalid',
    `A login is sent only over https, or to this machine. Give ${url.host} as https://…`,
    {
      field: 'url',
    },
  );
}

/** What Node's fetch sets itself, or what changes where a message ends. */
const refusedHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'expect',
  'upgrade',
]);

function headersOf(headers: readonly { readonly name: string; readonly value: string }[]): Record<string, string> {
  for (const { name } of headers) {
    if (!refusedHeaders.has(name.toLowerCase())) continue;
    throw new DomainError('input.invalid', `The header ${name} cannot be chosen.`, { field: 'headers' });
  }
  return Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value]));
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

export function createWebhooks(options: SenderOptions & { readonly feed: Pick<EventFeed, 'onEvent'> }): Webhooks {
  const { db, feed, masterKey, access, ownPorts, clock } = options;
  const sender = createWebhookSender(options);

  async function viewsOf(rows: readonly WebhookRecord[]): Promise<Webhook[]> {
    const counts = await countDeliveries(db);
    return rows.map(({ id, kind, server, repositoryId, events, addedAt }) => {
      const of = (status: Delivery['status']) =>
        counts.find(one => one.webhookId === id && one.status === status) ?? { count: 0, triedAt: null };
      return {
        ...{ id, kind, server, repositoryId, addedAtMs: addedAt, events: eventsSchema.parse(JSON.parse(events)) },
        ...{ waiting: of('waiting').count, failed: of('failed').count, deliveredAtMs: of('delivered').triedAt },
      };
    });
  }

  async function mustFind(id: string): Promise<WebhookRecord> {
    const found = (await listWebhooks(db)).find(webhook => webhook.id === id);
    if (!found) throw new DomainError('not_found', `There is no webhook ${id}. See "slipway webhook list".`, { id });
    return found;
  }

  /** Throws `not_found`. */
  async function mustFindRepository(repositoryId: string) {
    const repository = await findRepository(db, repositoryId);
    if (repository) return repository;
    throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
  }

  /** Hears of what happens from now on. Throws `input.invalid`, `not_found`, `conflict`. */
  async function insert(outlet: Outlet, repositoryId: string | undefined, events: Webhook['events']): Promise<Webhook> {
    const url = parseAddress(outlet.url);
    await ownPorts.assertForeign(url);
    if (repositoryId !== undefined) await mustFindRepository(repositoryId);
    if ((await listWebhooks(db)).length >= mostWebhooks) {
      throw new DomainError('conflict', `There are ${mostWebhooks} webhooks already. Remove one that is not needed.`);
    }
    const id = uuidv7();
    const sealed = seal(masterKey, Buffer.from(JSON.stringify({ ...outlet, url: url.href })), sealName(id));
    const row: WebhookRecord = {
      ...{ id, kind: outlet.kind, server: url.origin, repositoryId: repositoryId ?? null, addedAt: clock() },
      ...{ events: JSON.stringify([...new Set(events)]), sealed: sealed.toString('base64') },
      eventCursor: await lastCursor(db),
    };
    await insertWebhook(db, row);
    const [view] = await viewsOf([row]);
    if (!view) throw new Error('the new webhook has no view');
    sender.wake();
    return view;
  }

  return {
    start() {
      feed.onEvent(sender.wake);
      sender.wake();
    },
    stop: sender.stop,
    list: async () => viewsOf(await listWebhooks(db)),
    async add({ url, repositoryId, events }) {
      const secret = createWebhookSecret();
      return { ...(await insert({ kind: 'webhook', url, secret }, repositoryId, events)), secret };
    },
    async addStatus({ repositoryId, ...chosen }) {
      const target = statusTargetOf((await mustFindRepository(repositoryId)).url, chosen);
      assertPrivate(parseAddress(target.url));
      const probe = { revision: '0'.repeat(40), number: 1, state: 'pending', description: '' };
      await requestFor(target, { id: repositoryId, body: JSON.stringify(probe) }, { nowMs: clock(), access });
      return insert(target, repositoryId, [...statusEvents]);
    },
    async addTraces({ url: given, headers: list, repositoryId }) {
      const url = parseAddress(given);
      if (url.pathname === '/') url.pathname = tracesPath;
      const headers = headersOf(list);
      if (list.length > 0) assertPrivate(url);
      return insert({ kind: 'traces', url: url.href, headers }, repositoryId, ['job.finished']);
    },
    async remove(id) {
      await mustFind(id);
      await sender.idle(id);
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
      sender.wake();
      return deliveryView({ ...found, ...change });
    },
  };
}
