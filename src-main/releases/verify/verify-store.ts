/** Owns the check of a whole store, without an engine: from the root key down to the last byte of the last pack. Writes nothing. */
import { z } from 'zod';
import { publicKeySchema, storeKeys, type Trust } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { parseEnvelope } from '../../secrets/dsse.ts';
import { keyIdOf } from '../../secrets/signing-keys.ts';
import type { BlobStore } from '../../stores/blob-store.ts';
import { maxDocumentBytes } from '../signed-document.ts';
import { verifyTrust } from '../trust-document.ts';
import { checkBuilds } from './check-builds.ts';
import { checkChannels, checkMachines } from './check-channels.ts';
import { checkFileLists, checkPacks } from './check-packs.ts';
import { type CheckedKind, FirstProblem, StoreCheck, type StoreProblem } from './store-check.ts';
import { assertStrictEnvelope } from './strict-envelope.ts';

export interface StoreVerification {
  /** The root key that everything was held to; null where there was none to find. */
  readonly rootPublicKey: string | null;
  /** Whether that key was given from outside. Otherwise it is the store's own word, and whoever can write there can forge it all. */
  readonly isPinned: boolean;
  /** How many blobs of each kind held. */
  readonly checked: Readonly<Record<CheckedKind, number>>;
  readonly bytesRead: number;
  /** What is wrong, in the order in which it was found; only the first unless all were asked for. */
  readonly problems: readonly StoreProblem[];
}

const claimSchema = z.object({ rootPublicKey: publicKeySchema });

/** The root key that a trust document names itself. Throws `store.malformed`. */
function claimedRoot(bytes: Uint8Array): string {
  const { payload } = parseEnvelope(bytes);
  try {
    return claimSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))).rootPublicKey;
  } catch (error) {
    throw new DomainError('store.malformed', 'trust.json names no root key.', {}, { cause: error });
  }
}

function assertDistinctKeys({ releaseKeys }: Trust): void {
  if (new Set(releaseKeys.map(key => keyIdOf(key.publicKey))).size === releaseKeys.length) return;
  throw new DomainError(
    'trust.untrusted',
    'trust.json lists a release key twice, so it cannot be said whether it is revoked.',
  );
}

/**
 * Checks everything that lies in a store: the trust document, every build record with its SBOM, what pointers and reports say, that file
 * lists certify themselves, and every byte of every pack. Ends at the first problem unless `all`.
 *
 * Throws `store.*` where the store itself cannot be read, and the signal's reason. May be repeated; memory does not grow with packs.
 */
export async function verifyStore(options: {
  readonly store: BlobStore;
  /** The key that the reader trusts; null takes the one that the store names. */
  readonly rootPublicKey: string | null;
  readonly all: boolean;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (bytesRead: number, key: string) => void;
}): Promise<StoreVerification> {
  const { rootPublicKey, nowMs } = options;
  const check = new StoreCheck(options);
  let root = rootPublicKey;
  try {
    const trust = await check.of('trust', storeKeys.trust, async () => {
      const bytes = await check.read(storeKeys.trust, maxDocumentBytes);
      root ??= claimedRoot(bytes);
      const verified = verifyTrust(bytes, root, 0);
      assertStrictEnvelope(bytes, [root]);
      assertDistinctKeys(verified);
      return verified;
    });
    // Without it there is no key to hold a signature to; what certifies itself is looked at all the same.
    if (trust !== null) {
      const trusted = { trust, nowMs };
      const builds = await checkBuilds(check, trusted);
      await checkChannels(check, trusted, builds);
      await checkMachines(check, trusted);
    }
    await checkFileLists(check);
    await checkPacks(check);
  } catch (error) {
    if (!(error instanceof FirstProblem)) throw error;
  }
  const { checked, bytesRead, problems } = check;
  return { rootPublicKey: root, isPinned: rootPublicKey !== null, checked, bytesRead, problems };
}
