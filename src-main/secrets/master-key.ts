/** Owns the installation's master key, under which signing keys and secrets are encrypted at rest. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';

const keyBytes = 32;
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

/**
 * The 32-byte master key in `<folder>/master.key` (mode 0600), made on first use. `folder` is the data folder's `keys`.
 * Throws `secret.key_unreadable` when the file is damaged, readable by others, or missing while keys sealed under it exist.
 */
export async function openMasterKey({ folder }: { readonly folder: string }): Promise<Buffer> {
  const path = join(folder, fileName);
  if ((await readPrivateFile(path, keyBytes * 2)) === null) {
    if (await hasSealedFiles(folder)) throw unreadable(path, `The master key ${path} is missing.`);
    await createPrivateFile(path, randomBytes(keyBytes));
  }
  const key = await readPrivateFile(path, keyBytes * 2);
  if (key?.length !== keyBytes)
    throw unreadable(path, `The master key ${path} is damaged: it has not ${keyBytes} bytes.`);
  return key;
}
