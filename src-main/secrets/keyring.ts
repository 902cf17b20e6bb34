/** Owns the installation's two signing keys at rest: the root key, and this control center's release key. */
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import { openMasterKey, sealedSuffix } from './master-key.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';
import { openSealed, seal } from './seal.ts';
import { generateSeed, type Signer, signerFromSeed } from './signing-keys.ts';

/** A sealed 32-byte seed has 61 bytes; anything much larger is not one. */
const maxSealedBytes = 1024;

export interface Keyring {
  /** Raw 32 bytes in base64url: what machines pin. */
  readonly rootPublicKey: string;
  /** Signs `trust.json` alone. */
  readonly root: Signer;
  /** Signs pointers, build records and seeder documents. */
  readonly release: Signer;
}

async function openSigner(folder: string, masterKey: Uint8Array, name: 'root' | 'release'): Promise<Signer> {
  const path = join(folder, `${name}${sealedSuffix}`);
  const purpose = `slipway/signing-key/${name}`;
  let sealed = await readPrivateFile(path, maxSealedBytes);
  if (sealed === null) {
    await createPrivateFile(path, seal(masterKey, generateSeed(), purpose));
    sealed = await readPrivateFile(path, maxSealedBytes);
  }
  if (sealed === null) {
    throw new DomainError(
      'secret.key_unreadable',
      `${path} vanished while it was made. Check the folder and start again.`,
      { path },
    );
  }
  return signerFromSeed(openSealed(masterKey, sealed, purpose));
}

/**
 * The keys in `folder` (the data folder's `keys`), made on first use: `root.sealed` and `release.sealed`, mode 0600,
 * encrypted under the master key. Throws `secret.key_unreadable`, `secret.key_wrapped`.
 */
export async function openKeyring(options: {
  readonly folder: string;
  /** Where it is open already; left out: from its file. */
  readonly masterKey?: Uint8Array;
}): Promise<Keyring> {
  const { folder } = options;
  const masterKey = options.masterKey ?? (await openMasterKey({ folder }));
  const root = await openSigner(folder, masterKey, 'root');
  const release = await openSigner(folder, masterKey, 'release');
  return { rootPublicKey: root.publicKey, root, release };
}
