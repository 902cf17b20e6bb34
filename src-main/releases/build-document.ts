/** Owns the signature around a build record. What the statement says belongs to the artifacts. */
import type { z } from 'zod';
import type { Trust } from '../contract/documents.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { releaseKeysFor } from './trust-document.ts';

/** Source: https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md */
const payloadType = 'application/vnd.in-toto+json';

/** The bytes of a build record: an in-toto statement, signed by the control center that built it. */
export function signBuild(statement: unknown, release: Signer): Buffer {
  return signDocument(payloadType, statement, release);
}

/** The statement, if a release key that counts signed it. Throws `trust.untrusted`, `trust.signature_invalid`, `store.malformed`. */
export function verifyBuild<T>(bytes: Uint8Array, trust: Trust, schema: z.ZodType<T>): T {
  const what = 'A build record';
  const publicKeys = releaseKeysFor(bytes, trust, what);
  return verifyDocument({ bytes, payloadType, publicKeys, schema, what }).value;
}
