/** Owns what the contract says of webhooks: where events are sent, and what became of each delivery. */
import { z } from 'zod';
import { byId, done, route } from './api-values.ts';
import { idSchema } from './documents.ts';
import { eventTypeSchema } from './events.ts';
import { time } from './views/units.ts';

/** Read whole by the engine, which throws `input.invalid` for what is no address. It may hold a token, so it is never shown whole. */
const addressSchema = z.string().trim().min(1, 'an address is needed').max(2_000);

/** What a webhook hears of where nothing else is said. */
export const usualEvents = ['job.finished', 'release.created', 'machine.failed', 'replica.failed'] as const;

export const webhookSchema = z.object({
  id: idSchema,
  /** The server alone: the rest of an address is often a password. */
  server: z.string(),
  /** Null for all repositories. */
  repositoryId: idSchema.nullable(),
  events: z.array(eventTypeSchema),
  addedAtMs: time,
  /** Deliveries that are to be sent, or sent again. */
  waiting: z.number().int().nonnegative(),
  /** Deliveries that were given up, of those that are kept. */
  failed: z.number().int().nonnegative(),
  deliveredAtMs: time.nullable(),
});
export type Webhook = z.infer<typeof webhookSchema>;

export const deliverySchema = z.object({
  id: idSchema,
  webhookId: idSchema,
  event: eventTypeSchema,
  status: z.enum(['waiting', 'delivered', 'failed']),
  tries: z.number().int().nonnegative(),
  queuedAtMs: time,
  /** Of a delivery that waits. */
  nextTryAtMs: time.nullable(),
  /** Of the last answer; null where there was none. */
  httpStatus: z.number().int().nullable(),
  /** Why the last try failed, or null. */
  error: z.string().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;

export const webhooksApi = {
  list: route('GET', '/webhooks', 'Where events are sent; never the whole address').output(z.array(webhookSchema)),
  add: route('POST', '/webhooks', 'Send events to an address; the secret that signs them is shown this once')
    .input(
      z.object({
        url: addressSchema,
        /** Left out: those of all repositories, and of the engine itself. */
        repositoryId: idSchema.optional(),
        events: z
          .array(eventTypeSchema)
          .min(1, 'name at least one event')
          .default([...usualEvents]),
      }),
    )
    .output(webhookSchema.extend({ secret: z.string() })),
  remove: route('DELETE', '/webhooks/{id}', 'Send nothing there any more').input(byId).output(done),
  deliveries: route('GET', '/webhooks/{id}/deliveries', 'What was sent, newest first')
    .input(byId.extend({ limit: z.coerce.number().int().min(1).max(200).default(50) }))
    .output(z.array(deliverySchema)),
  redeliver: route('POST', '/deliveries/{id}/redeliver', 'Send a delivery again: the same id and the same bytes')
    .input(byId)
    .output(deliverySchema),
};
