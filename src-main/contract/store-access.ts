/** Owns the words for what opens a private store: the credentials a person gave, by provider, and what is shown of them. */
import { z } from 'zod';

/**
 * What a person gave to reach a store. Without it the provider's own chain is asked: environment variables,
 * the files of its command line tools, the metadata server of a cloud machine.
 */
export const storeAccessSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    /** The JSON file of a service account, as Google hands it out, whole. */
    kind: z.literal('service-account'),
    json: z.string().min(2).max(20_000),
  }),
  z.strictObject({
    kind: z.literal('access-key'),
    accessKeyId: z.string().min(1).max(200),
    secretAccessKey: z.string().min(1).max(500),
  }),
  z.strictObject({
    /** Base64, of an Azure storage account. */
    kind: z.literal('account-key'),
    accountKey: z.string().min(1).max(500),
  }),
  z.strictObject({
    /** A shared access signature of Azure: the query string with or without its question mark. */
    kind: z.literal('shared-access-signature'),
    token: z.string().min(1).max(2_000),
  }),
]);

export type StoreAccess = z.infer<typeof storeAccessSchema>;

/** As a person typed it; the engine reads it. */
export const storeUrlSchema = z.string().trim().min(1).max(2_000);

/** What is shown of a store's credentials: never what is secret. */
export const storeAccessViewSchema = z.object({
  storeUrl: z.string(),
  kind: z.enum(['service-account', 'access-key', 'account-key', 'shared-access-signature']),
  /** Whose they are, where they say it: the service account's address, the access key's id. */
  identity: z.string(),
  setAtMs: z.number().int().nonnegative(),
});
export type StoreAccessView = z.infer<typeof storeAccessViewSchema>;
