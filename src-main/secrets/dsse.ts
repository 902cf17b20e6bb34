/** Owns DSSE envelopes: what exactly is signed, and when a signature counts. Not what the payload means. */
import { type Envelope, envelopeSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { keyIdOf, type Signer, verifySignature } from './signing-keys.ts';

/** More signatures than this are an attempt to make the verifier work. */
const maxSignatures = 16;

/** The bytes that are signed. Source: DSSE protocol v1.0.2, "Signature Definition": PAE. Lengths are in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `, 'utf8'),
    type,
    Buffer.from(` ${payload.length} `, 'utf8'),
    payload,
  ]);
}

/** An envelope around `payload` with one signature of each signer. */
export function signEnvelope(payloadType: string, payload: Uint8Array, signers: readonly Signer[]): Envelope {
  const signed = preAuthEncoding(payloadType, payload);
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: signers.map(signer => ({ keyid: signer.keyId, sig: signer.sign(signed).toString('base64') })),
  };
}

/** An envelope from its JSON. Throws `store.malformed`. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  try {
    return envelopeSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new DomainError(
      'store.malformed',
      'A signed document is not a DSSE envelope: it was cut short or overwritten. Publish it again.',
      {},
      { cause: error },
    );
  }
}

/**
 * The payload, with the key whose signature holds, out of `publicKeys` (raw base64url). One valid signature is enough.
 * Throws `trust.signature_invalid`.
 */
export function verifyEnvelope(
  envelope: Envelope,
  publicKeys: readonly string[],
): { readonly payload: Buffer; readonly keyid: string; readonly publicKey: string } {
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = preAuthEncoding(envelope.payloadType, payload);
  const byId = new Map(publicKeys.map(publicKey => [keyIdOf(publicKey), publicKey]));
  for (const { keyid, sig } of envelope.signatures.slice(0, maxSignatures)) {
    const publicKey = byId.get(keyid);
    if (publicKey !== undefined && verifySignature(publicKey, signed, Buffer.from(sig, 'base64'))) {
      return { payload, keyid, publicKey };
    }
  }
  throw new DomainError(
    'trust.signature_invalid',
    'No trusted key has signed this document, or it was changed after signing. It was refused; nothing was changed.',
    { payloadType: envelope.payloadType, keyids: envelope.signatures.slice(0, maxSignatures).map(item => item.keyid) },
  );
}
