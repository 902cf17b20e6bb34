/** Owns the installation's master key, under which signing keys and secrets are encrypted at rest. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import {
  type KeyWrap,
  masterKeyBytes,
  maxKeyFileBytes,
  parseKeyFile,
  unwrapKeyFile,
  wrappedKeyFile,
} from './master-key-file.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';

const fileName = 'master.key';
/** What is encrypted under the master key in its own folder ends with this. */
export const sealedSuffix = '.sealed';

async function hasSealedFiles(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some(name => name.endsWith(sealedSuffix));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function unreadable(path: string, what: string): DomainError {
  return new DomainError(
    'secret.key_unreadable',
    `${what} Restore ${path} from a backup. Without it, stored secrets and signing keys cannot be read: to start anew, move the folder of keys away; secrets must then be entered and machines paired again.`,
    { path },
  );
}

/** Where the master key lies in the folder of keys. */
export const masterKeyPath = (folder: string) => join(folder, fileName);

/**
 * The 32-byte master key in `<folder>/master.key` (mode 0600), made on first use: wrapped by the system's key store where the
 * host has one (`wrap`), bare otherwise. `folder` is the data folder's `keys`. Throws `secret.key_unreadable` when the file is
 * damaged, readable by others, or missing while keys sealed under it exist; `secret.key_wrapped` without the key store.
 */
export async function openMasterKey({
  folder,
  wrap = null,
}: {
  readonly folder: string;
  readonly wrap?: KeyWrap | null;
}): Promise<Buffer> {
  const path = masterKeyPath(folder);
  if ((await readPrivateFile(path, maxKeyFileBytes)) === null) {
    if (await hasSealedFiles(folder)) throw unreadable(path, `The master key ${path} is missing.`);
    const key = randomBytes(masterKeyBytes);
    await createPrivateFile(path, wrap === null ? key : await wrappedKeyFile(key, wrap));
  }
  const bytes = await readPrivateFile(path, maxKeyFileBytes);
  const file = bytes === null ? null : parseKeyFile(bytes);
  if (file === null)
    throw unreadable(path, `The master key ${path} is damaged: it is neither a key nor a wrapped one.`);
  return file.form === 'bare' ? file.key : unwrapKeyFile(file, wrap, path);
}
