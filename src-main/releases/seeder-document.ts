/** Owns the signed note by which a control center tells machines where it seeds, and what. */
import { z } from 'zod';
import { idSchema, infoHashSchema, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { releaseKeysFor } from './trust-document.ts';

const payloadType = 'application/vnd.slipway.seeder+json';

export const seederSchema = z.object({
  type: z.literal('slipway.seeder/v1'),
  repositoryId: idSchema,
  peers: z.array(z.object({ host: z.string(), port: z.number().int().min(1).max(65_535) })).max(16),
  seeding: z.array(infoHashSchema).max(256),
  /** Where machines may ask for each other; a URL that is no use to one is passed over. */
  trackers: z.array(z.string().max(300)).max(8).optional(),
  /** Grows with every note of this control center: an older one is a replay. */
  sequence: z.number().int().positive(),
  reportedAtMs: z.number().int().nonnegative(),
});
export type SeederDocument = z.infer<typeof seederSchema>;

/** Where a control center's note lies: beside the machine reports, under the beginning of its release key's id. */
export function seederKey(repositoryId: string, releaseKeyId: string): string {
  return `${storeKeys.machines(repositoryId)}seeder-${releaseKeyId.slice(0, 16)}.json`;
}

/** The bytes of a seeder document, signed by the control center's release key. */
export function signSeeder(seeder: SeederDocument, release: Signer): Buffer {
  return signDocument(payloadType, seederSchema.parse(seeder), release);
}

/** The seeder document, if a release key that counts signed it for that repository. Throws `trust.*`, `store.malformed`. */
export function verifySeeder(
  bytes: Uint8Array,
  trust: Trust,
  { repositoryId }: { readonly repositoryId: string },
): SeederDocument {
  const what = 'A seeder document';
  const publicKeys = releaseKeysFor(bytes, trust, what);
  const { value } = verifyDocument({ bytes, payloadType, publicKeys, schema: seederSchema, what });
  if (value.repositoryId !== repositoryId) {
    throw new DomainError(
      'trust.untrusted',
      `A seeder document was signed for repository ${value.repositoryId}. It was ignored.`,
    );
  }
  return value;
}
