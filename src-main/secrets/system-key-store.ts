/** Owns what is taken from Electron's safeStorage: a wrap for the master key, where the system really keeps a secret for it. */
import { messageOf } from '../contract/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { KeyWrap } from './key-protection.ts';

/** The part of Electron's `safeStorage` that is used. Source: https://www.electronjs.org/docs/latest/api/safe-storage */
export interface SafeStorage {
  isAsyncEncryptionAvailable(): Promise<boolean>;
  encryptStringAsync(plainText: string): Promise<Buffer>;
  decryptStringAsync(encrypted: Buffer): Promise<{ readonly result: string }>;
  /** On Linux alone. */
  getSelectedStorageBackend?(): string;
}

/** `basic_text` encrypts under a password that is in Chromium's source; `unknown` is no answer. */
const notKeptSecret = new Set(['basic_text', 'unknown']);

/** The wrap, or null where the system has no key store that keeps a secret. To be called after the app is ready. Never throws. */
export async function openSystemKeyStore(
  safeStorage: SafeStorage,
  platform: NodeJS.Platform,
  logger: Logger,
): Promise<KeyWrap | null> {
  try {
    const backend = platform === 'linux' ? (safeStorage.getSelectedStorageBackend?.() ?? 'unknown') : null;
    if ((backend !== null && notKeptSecret.has(backend)) || !(await safeStorage.isAsyncEncryptionAvailable())) {
      logger.info('key_store.not_available', { backend });
      return null;
    }
    return {
      name: backend === null ? 'Electron safeStorage' : `Electron safeStorage, ${backend}`,
      // It takes text, so the key goes through it in Base64.
      wrap: key => safeStorage.encryptStringAsync(Buffer.from(key).toString('base64')),
      unwrap: async wrapped =>
        Buffer.from((await safeStorage.decryptStringAsync(Buffer.from(wrapped))).result, 'base64'),
    };
  } catch (error) {
    logger.warn('key_store.failed', { reason: messageOf(error) });
    return null;
  }
}
