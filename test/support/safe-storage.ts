/** A stand-in for Electron's safeStorage, since Electron's binary cannot be had on machines without a network: real AES under a key that it keeps. */
import { randomBytes } from 'node:crypto';
import { openSealed, seal } from '../../src-main/secrets/seal.ts';
import type { SafeStorage } from '../../src-main/secrets/system-key-store.ts';

/** One user's key store on one machine; another one opens nothing of it. */
export function systemKeyStore(backend = 'gnome_libsecret', available = true): SafeStorage {
  const key = randomBytes(32);
  return {
    isAsyncEncryptionAvailable: async () => available,
    encryptStringAsync: async plainText => seal(key, Buffer.from(plainText), 'safe-storage'),
    decryptStringAsync: async encrypted => ({ result: openSealed(key, encrypted, 'safe-storage').toString() }),
    getSelectedStorageBackend: () => backend,
  };
}
