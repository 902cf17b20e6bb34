/** Owns encryption at rest: AES-256-GCM with a random nonce, bound to what the ciphertext is for. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DomainError } from '../contract/errors.ts';

/** First byte of what is sealed, so that another format can follow. */
const formatVersion = 1;
/** Source: NIST SP 800-38D, section 5.2.1.1 and 5.2.1.2. */
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + nonceBytes + tagBytes;

/**
 * Encrypts `plaintext` under a 32-byte key: version, nonce, tag, ciphertext. `associatedData` names what this is (such as
 * `secret/<id>`), so that a row moved to another place does not open.
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, associatedData: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(associatedData, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.of(formatVersion), nonce, cipher.getAuthTag(), ciphertext]);
}

/** The plaintext of what `seal` made with the same key and associated data. Throws `secret.key_unreadable`. */
export function openSealed(key: Uint8Array, sealed: Uint8Array, associatedData: string): Buffer {
  const unreadable = (cause?: unknown) =>
    new DomainError(
      'secret.key_unreadable',
      `${associatedData} cannot be decrypted: it is damaged, or was encrypted under another master key. Restore the data folder from one backup, or enter the value again.`,
      { associatedData },
      { cause },
    );
  if (sealed.length < headerBytes || sealed[0] !== formatVersion) throw unreadable();
  try {
    const nonce = sealed.subarray(1, 1 + nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(associatedData, 'utf8'));
    decipher.setAuthTag(sealed.subarray(1 + nonceBytes, headerBytes));
    return Buffer.concat([decipher.update(sealed.subarray(headerBytes)), decipher.final()]);
  } catch (error) {
    throw unreadable(error);
  }
}
