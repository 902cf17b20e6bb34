/** Owns what `verify` asks of a signed document beyond what a machine asks: not one byte of it may be otherwise than it was written. */
import { DomainError } from '../../contract/errors.ts';
import { parseEnvelope, verifyEnvelope } from '../../secrets/dsse.ts';

/**
 * Refuses a document whose bytes are not exactly those that signing makes (a space, a field more, other bits in the padding of
 * Base64), and one with a signature that does not hold. A machine would accept the former: what is signed is the payload.
 * Throws `store.malformed`, `trust.signature_invalid`.
 */
export function assertStrictEnvelope(bytes: Uint8Array, publicKeys: readonly string[]): void {
  const { payloadType, payload, signatures } = parseEnvelope(bytes);
  const canonical = (base64: string) => Buffer.from(base64, 'base64').toString('base64');
  const again = {
    payloadType,
    payload: canonical(payload),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: canonical(sig) })),
  };
  if (!Buffer.from(`${JSON.stringify(again)}\n`, 'utf8').equals(bytes)) {
    throw new DomainError(
      'store.malformed',
      'The document was changed after it was written, outside of what is signed. Publish it again, and check who may write to the store.',
    );
  }
  // Each alone: `verifyEnvelope` is content with one of several.
  for (const signature of signatures) verifyEnvelope({ payloadType, payload, signatures: [signature] }, publicKeys);
}
