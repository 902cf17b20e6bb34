/** Owns Ed25519 keys: how they are made, named, and used. Not where they lie, nor what they sign. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { DomainError } from '../contract/errors.ts';

export const seedBytes = 32;
const signatureBytes = 64;
/** DER before the 32 raw bytes. Source: RFC 8410, sections 4 and 7. */
const publicKeyPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const privateKeyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface Signer {
  /** Raw 32 bytes in base64url. */
  readonly publicKey: string;
  /** SHA-256 of the raw public key, hex. */
  readonly keyId: string;
  /** An Ed25519 signature of 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
}

/** 32 random bytes: an Ed25519 private key. */
export function generateSeed(): Buffer {
  return randomBytes(seedBytes);
}

/** The id of a public key given as base64url: SHA-256 of its raw bytes, hex. */
export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex');
}

function publicKeyObject(publicKey: string): KeyObject | null {
  const raw = Buffer.from(publicKey, 'base64url');
  if (raw.length !== seedBytes) return null;
  return createPublicKey({ key: Buffer.concat([publicKeyPrefix, raw]), format: 'der', type: 'spki' });
}

/** The signer of a 32-byte private key. Throws `secret.key_unreadable` for another length. */
export function signerFromSeed(seed: Uint8Array): Signer {
  if (seed.length !== seedBytes) {
    throw new DomainError(
      'secret.key_unreadable',
      `A private key has ${seed.length} bytes where ${seedBytes} belong. Restore it from a backup.`,
    );
  }
  const privateKey = createPrivateKey({ key: Buffer.concat([privateKeyPrefix, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = spki.subarray(publicKeyPrefix.length).toString('base64url');
  return { publicKey, keyId: keyIdOf(publicKey), sign: bytes => sign(null, bytes, privateKey) };
}

/** Whether `signature` is that key's signature of `bytes`; false also for a malformed key or signature. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureBytes) return false;
  try {
    const key = publicKeyObject(publicKey);
    return key !== null && verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}
