/** Owns the types of the tables of webhooks. Columns are snake_case in SQL and camelCase here. */
import type { Generated } from 'kysely';
import type { Delivery, Webhook } from '../../contract/webhooks.ts';
import type { JsonText } from './columns.ts';

export interface WebhooksTable {
  id: string;
  kind: Generated<Webhook['kind']>;
  server: string;
  repositoryId: string | null;
  events: JsonText;
  /** Base64 of address and secret, sealed. */
  sealed: string;
  eventCursor: number;
  addedAt: number;
}

export interface WebhookDeliveriesTable {
  id: string;
  webhookId: string;
  eventCursor: number;
  event: string;
  body: string;
  status: Generated<Delivery['status']>;
  tries: Generated<number>;
  queuedAt: number;
  nextTryAt: number | null;
  triedAt: number | null;
  httpStatus: number | null;
  error: string | null;
}
