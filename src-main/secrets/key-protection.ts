/** Owns how the master key lies on the disk while an engine runs: held by the system's key store, or bare in its 0600 file. */
import { DomainError } from '../contract/errors.ts';
import { masterKeyPath } from './master-key.ts';
import { type KeyWrap, maxKeyFileBytes, parseKeyFile, wrappedKeyFile } from './master-key-file.ts';
import { readPrivateFile, replacePrivateFile } from './private-file.ts';

export type { KeyWrap } from './master-key-file.ts';

export interface KeyProtectionState {
  /** Which key store holds the key; null where it lies bare in its file. */
  readonly wrappedBy: string | null;
  /** Which key store this host can reach; null for none. */
  readonly available: string | null;
}

export interface KeyProtection {
  state(): Promise<KeyProtectionState>;
  /** Wraps or bares the file; the key stays the same. May be repeated. Throws `conflict` without a key store, `secret.key_unreadable`. */
  set(wrapped: boolean): Promise<KeyProtectionState>;
}

export function createKeyProtection(options: {
  readonly folder: string;
  readonly masterKey: Uint8Array;
  readonly wrap: KeyWrap | null;
}): KeyProtection {
  const { masterKey, wrap } = options;
  const path = masterKeyPath(options.folder);

  async function state(): Promise<KeyProtectionState> {
    const bytes = await readPrivateFile(path, maxKeyFileBytes);
    const file = bytes === null ? null : parseKeyFile(bytes);
    return { wrappedBy: file?.form === 'wrapped' ? file.wrappedBy : null, available: wrap?.name ?? null };
  }

  return {
    state,
    async set(wrapped) {
      if (wrapped && wrap === null) {
        throw new DomainError(
          'conflict',
          'This engine reaches no key store of the system: only the desktop app does, and on Linux only with a keyring such as GNOME Keyring or KWallet. The key stays in its file.',
        );
      }
      await replacePrivateFile(path, wrapped && wrap !== null ? await wrappedKeyFile(masterKey, wrap) : masterKey);
      return state();
    },
  };
}
