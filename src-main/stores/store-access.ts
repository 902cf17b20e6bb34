/** Owns the words for what opens a private store: the credentials a person gave, by provider. */
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
