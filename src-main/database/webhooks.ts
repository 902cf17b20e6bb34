/** Owns the statements of the tables webhooks and webhook_deliveries. */
import type { Insertable, Selectable } from 'kysely';
import type { Db } from './open-database.ts';
import type { WebhookDeliveriesTable, WebhooksTable } from './tables/webhooks.ts';

export type WebhookRecord = Selectable<WebhooksTable>;
export type DeliveryRecord = Selectable<WebhookDeliveriesTable>;
export type NewDelivery = Insertable<WebhookDeliveriesTable>;

export function listWebhooks(db: Db): Promise<WebhookRecord[]> {
  return db.selectFrom('webhooks').selectAll().orderBy('addedAt').orderBy('id').execute();
}

export async function insertWebhook(db: Db, row: WebhookRecord): Promise<void> {
  await db.insertInto('webhooks').values(row).execute();
}

/** With its deliveries. Whether there was one. */
export async function deleteWebhook(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('webhooks').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Queues the deliveries of the events up to `cursor`; in one transaction, so that none is queued twice or left out. */
export async function queueDeliveries(
  db: Db,
  webhookId: string,
  cursor: number,
  rows: readonly NewDelivery[],
): Promise<void> {
  for (const row of rows) await db.insertInto('webhookDeliveries').values(row).execute();
  await db.updateTable('webhooks').set({ eventCursor: cursor }).where('id', '=', webhookId).execute();
}

/** Those that wait, the next one first. */
export function listWaitingDeliveries(db: Db, webhookId: string, limit: number): Promise<DeliveryRecord[]> {
  return db
    .selectFrom('webhookDeliveries')
    .selectAll()
    .where('webhookId', '=', webhookId)
    .where('status', '=', 'waiting')
    .orderBy('nextTryAt')
    .orderBy('eventCursor')
    .limit(limit)
    .execute();
}

export async function updateDelivery(
  db: Db,
  id: string,
  change: Partial<Pick<DeliveryRecord, 'status' | 'tries' | 'nextTryAt' | 'triedAt' | 'httpStatus' | 'error'>>,
): Promise<void> {
  await db.updateTable('webhookDeliveries').set(change).where('id', '=', id).execute();
}

export async function findDelivery(db: Db, id: string): Promise<DeliveryRecord | null> {
  return (await db.selectFrom('webhookDeliveries').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Newest first. */
export function listDeliveries(db: Db, webhookId: string, limit: number): Promise<DeliveryRecord[]> {
  return db
    .selectFrom('webhookDeliveries')
    .selectAll()
    .where('webhookId', '=', webhookId)
    .orderBy('eventCursor', 'desc')
    .limit(limit)
    .execute();
}

export interface DeliveryCounts {
  readonly webhookId: string;
  readonly status: DeliveryRecord['status'];
  readonly count: number;
  readonly triedAt: number | null;
}

export function countDeliveries(db: Db): Promise<DeliveryCounts[]> {
  return db
    .selectFrom('webhookDeliveries')
    .select(['webhookId', 'status'])
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max('triedAt').as('triedAt')])
    .groupBy(['webhookId', 'status'])
    .execute();
}

/** Keeps the newest `kept` and all that wait. */
export async function forgetOldDeliveries(db: Db, webhookId: string, kept: number): Promise<void> {
  const newest = db
    .selectFrom('webhookDeliveries')
    .select('eventCursor')
    .where('webhookId', '=', webhookId)
    .orderBy('eventCursor', 'desc')
    .limit(kept);
  await db
    .deleteFrom('webhookDeliveries')
    .where('webhookId', '=', webhookId)
    .where('status', '!=', 'waiting')
    .where('eventCursor', 'not in', newest)
    .execute();
}
