/** Owns what the contract says of webhooks: where events are sent, and what became of each delivery. */
import { z } from 'zod';
import { byId, done, route } from './api-values.ts';
import { idSchema } from './documents.ts';
import { eventTypeSchema } from './events.ts';
import { time } from './views/units.ts';

/** Read whole by the engine, which throws `input.invalid` for what is no address. It may hold a token, so it is never shown whole. */
const addressSchema = z.string().trim().min(1, 'an address is needed').max(2_000);

export const forgeSchema = z.enum(['github', 'gitea', 'gitlab', 'bitbucket']);
export type Forge = z.infer<typeof forgeSchema>;

/** What a webhook hears of where nothing else is said. */
export const usualEvents = ['job.finished', 'release.created', 'machine.failed', 'replica.failed'] as const;

export const webhookSchema = z.object({
  id: idSchema,
  /** Signed events, the statuses of commits on a forge, or OpenTelemetry traces of jobs. */
  kind: z.enum(['webhook', 'status', 'traces']),
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
  addStatus: route('POST', '/webhooks/commit-status', "Tell a forge the state of each of a repository's jobs")
    .input(
      z.object({
        repositoryId: idSchema,
        /** These three as the repository's address says, where it is of a forge that is known. */
        forge: forgeSchema.optional(),
        /** Of the forge's REST API. */
        apiUrl: addressSchema.optional(),
        project: z.string().trim().min(3).max(500).optional(),
        /** What the forge links to; `{revision}` and `{job}` stand for those. */
        targetUrl: z
          .url({ protocol: /^https?$/ })
          .max(2_000)
          .optional(),
        context: z
          .string()
          .trim()
          .min(1)
          .max(100)
          .regex(/^[^\p{Cc}]+$/u, 'one line without control characters')
          .default('slipway'),
      }),
    )
    .output(webhookSchema),
  addTraces: route('POST', '/webhooks/traces', 'Send a trace of each finished job to an OpenTelemetry collector')
    .input(
      z.object({
        /** Without a path, `/v1/traces` is added. */
        url: addressSchema,
        /** Sealed, and sent with each trace: what the collector wants as a login. */
        headers: z
          .array(
            z.object({
              name: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'letters, digits and dashes'),
              value: z
                .string()
                .max(4_000)
                .regex(/^[\x20-\x7e]*$/, 'printable ASCII'),
            }),
          )
          .max(20)
          .default([]),
        repositoryId: idSchema.optional(),
      }),
    )
    .output(webhookSchema),
  remove: route('DELETE', '/webhooks/{id}', 'Send nothing there any more').input(byId).output(done),
  deliveries: route('GET', '/webhooks/{id}/deliveries', 'What was sent, newest first')
    .input(byId.extend({ limit: z.coerce.number().int().min(1).max(200).default(50) }))
    .output(z.array(deliverySchema)),
  redeliver: route('POST', '/deliveries/{id}/redeliver', 'Send a delivery again: the same id and the same bytes')
    .input(byId)
    .output(deliverySchema),
};
