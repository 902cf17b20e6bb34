/** Owns what all signed documents share: JSON in a DSSE envelope of its own type, parsed only after its signature held. */
import type { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../secrets/dsse.ts';
import type { Signer } from '../secrets/signing-keys.ts';

/** No document of the protocol is larger; a reader need not take more from a store. Thousands of machines fit a trust document. */
export const maxDocumentBytes = 8 * 1024 * 1024;

/** The bytes of `value` as a signed document, ready for a store. */
export function signDocument(payloadType: string, value: unknown, signer: Signer): Buffer {
  const envelope = signEnvelope(payloadType, Buffer.from(JSON.stringify(value), 'utf8'), [signer]);
  return Buffer.from(`${JSON.stringify(envelope)}\n`, 'utf8');
}

/**
 * The value of a signed document, with the public key that signed it. `what` names it in messages.
 * Throws `store.malformed`, `trust.untrusted` (a key that is not in `publicKeys`), `trust.signature_invalid`.
 */
export function verifyDocument<T>({
  bytes,
  payloadType,
  publicKeys,
  schema,
  what,
}: {
  readonly bytes: Uint8Array;
  readonly payloadType: string;
  readonly publicKeys: readonly string[];
  readonly schema: z.ZodType<T>;
  readonly what: string;
}): { readonly value: T; readonly publicKey: string } {
  if (bytes.length > maxDocumentBytes) throw malformed(what, `it has ${bytes.length} bytes`);
  const envelope = parseEnvelope(bytes);
  // The type is part of what is signed: a report can never pass for a pointer.
  if (envelope.payloadType !== payloadType) throw malformed(what, `its type is ${envelope.payloadType.slice(0, 100)}`);
  const { payload, publicKey } = verifyEnvelope(envelope, publicKeys);
  let json: unknown;
  try {
    json = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw malformed(what, 'its content is not JSON', error);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(what, `${issue?.path.join('.') || 'its content'}: ${issue?.message ?? 'not as expected'}`);
  }
  return { value: parsed.data, publicKey };
}

function malformed(what: string, reason: string, cause?: unknown): DomainError {
  return new DomainError(
    'store.malformed',
    `${what} is not as this version of Slipway expects: ${reason}. Publish it again, or update the program that reads it.`,
    { reason },
    { cause },
  );
}
