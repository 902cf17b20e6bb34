/** Owns `trust.json`: signed by the root key alone, it says which release keys and machine keys count. */
import { type EnrolledMachine, type Trust, trustSchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { parseEnvelope } from '../secrets/dsse.ts';
import { keyIdOf, type Signer } from '../secrets/signing-keys.ts';
import { signDocument, verifyDocument } from './signed-document.ts';

const payloadType = 'application/vnd.slipway.trust+json';

/** The bytes of `trust.json`. Throws `input.invalid` when `trust` does not name this root. */
export function signTrust(trust: Trust, root: Signer): Buffer {
  const parsed = trustSchema.parse(trust);
  if (parsed.rootPublicKey !== root.publicKey) {
    throw new DomainError('input.invalid', 'The trust document names another root key than the one that signs it.');
  }
  return signDocument(payloadType, parsed, root);
}

/**
 * The trust document, if the pinned root signed it and its serial is at least `minSerial` (the highest seen; 0 at first).
 * Throws `trust.signature_invalid`, `trust.untrusted`, `trust.rollback_refused`, `store.malformed`.
 */
export function verifyTrust(bytes: Uint8Array, pinnedRootPublicKey: string, minSerial: number): Trust {
  const { value } = verifyDocument({
    bytes,
    payloadType,
    publicKeys: [pinnedRootPublicKey],
    schema: trustSchema,
    what: 'The trust document',
  });
  if (value.rootPublicKey !== pinnedRootPublicKey) {
    throw new DomainError(
      'trust.untrusted',
      'The trust document names another root key than the pinned one. It was refused.',
    );
  }
  if (value.serial < minSerial) {
    throw new DomainError(
      'trust.rollback_refused',
      `The trust document has serial ${value.serial}, but ${minSerial} was seen before: the store holds an old copy. It was refused; check who may write to the store.`,
      { serial: value.serial, minSerial },
    );
  }
  return value;
}

/** The release keys that count now. */
export function activeReleaseKeys(trust: Trust): readonly string[] {
  return trust.releaseKeys.filter(key => key.revokedAtMs === null).map(key => key.publicKey);
}

/** The machines of a repository whose keys count now. */
export function activeMachines(trust: Trust, repositoryId: string): readonly EnrolledMachine[] {
  return trust.machines.filter(machine => machine.repositoryId === repositoryId && machine.revokedAtMs === null);
}

/**
 * The release keys to verify a document with. Throws `trust.untrusted` when it is signed by a revoked or unknown key,
 * which tells a person more than an invalid signature would.
 */
export function releaseKeysFor(bytes: Uint8Array, trust: Trust, what: string): readonly string[] {
  const active = activeReleaseKeys(trust);
  const activeIds = new Set(active.map(keyIdOf));
  const signedBy = parseEnvelope(bytes).signatures.map(signature => signature.keyid);
  if (signedBy.some(keyid => activeIds.has(keyid))) return active;
  const revoked = trust.releaseKeys.find(key => key.revokedAtMs !== null && signedBy.includes(keyIdOf(key.publicKey)));
  throw new DomainError(
    'trust.untrusted',
    revoked === undefined
      ? `${what} is signed by a key that the trust document does not list. It was refused; publish the control center's key first.`
      : `${what} is signed by the release key of ${JSON.stringify(revoked.name)}, which was revoked. It was refused; release again from a control center that is trusted.`,
    { keyids: signedBy.slice(0, 4) },
  );
}
