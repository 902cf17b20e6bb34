/** Owns what an agent takes from its stores as true: the trust document, its own enrollment, and the channel's pointer. */
import { type Pointer, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { createEnrollRequest, maxEnrollBytes } from '../releases/enrollment.ts';
import { hostPlatform } from '../releases/platform.ts';
import { pointerIdentity, verifyPointer } from '../releases/pointer-document.ts';
import { maxDocumentBytes } from '../releases/signed-document.ts';
import { verifyTrust } from '../releases/trust-document.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AgentIdentity } from './agent-identity.ts';
import type { StateFile } from './agent-state.ts';
import { readFromEach } from './read-from-stores.ts';

export interface Following {
  readonly stores: readonly BlobStore[];
  readonly repositoryId: string;
  readonly channel: string;
  readonly name: string;
  readonly region: string | null;
  readonly state: StateFile;
  readonly logger: Logger;
}

function highest<T extends { readonly serial: number }>(values: readonly T[]): T | null {
  return values.reduce<T | null>((best, value) => (best === null || value.serial > best.serial ? value : best), null);
}

/** Of two under one serial, the one that was written later: its environment is encrypted to the machines that are there now. */
function newest(pointers: readonly Pointer[]): Pointer | null {
  return highest([...pointers].sort((one, other) => other.issuedAtMs - one.issuedAtMs));
}

/** The newest trust document of all stores; null where none has one. Throws `trust.*` or `store.*` when none is acceptable. */
export async function readTrust({ stores, state, logger }: Following): Promise<Trust | null> {
  const { rootPublicKey, trustSerial } = state.value;
  const { values, failures } = await readFromEach({
    stores,
    key: storeKeys.trust,
    maxBytes: maxDocumentBytes,
    accept: bytes => verifyTrust(bytes, rootPublicKey, trustSerial),
  });
  for (const failure of failures) logger.warn('agent.trust_refused', { reason: messageOf(failure) });
  const trust = highest(values);
  if (trust === null) {
    if (failures.length > 0) throw failures[0];
    return null;
  }
  if (trust.serial > trustSerial) await state.update({ trustSerial: trust.serial });
  return trust;
}

/**
 * Whether the trust document lists this machine with its key, for this channel. Throws `trust.untrusted` when the machine
 * was revoked or is enrolled for another channel.
 */
export function isEnrolled(trust: Trust, identity: AgentIdentity, { repositoryId, channel }: Following): boolean {
  const machine = trust.machines.findLast(
    entry => entry.machineId === identity.machineId && entry.publicKey === identity.signer.publicKey,
  );
  if (machine === undefined) return false;
  if (machine.revokedAtMs !== null) {
    throw new DomainError(
      'trust.untrusted',
      'This machine was revoked in the control center. Pair it again to let it follow a channel; what runs goes on.',
    );
  }
  if (machine.repositoryId !== repositoryId || machine.channel !== channel) {
    throw new DomainError(
      'trust.untrusted',
      `This machine is enrolled for channel ${machine.channel} of repository ${machine.repositoryId}, not for channel ${channel} of ${repositoryId}. Correct the command line, or pair it for this channel.`,
      { enrolledFor: machine.channel, channel },
    );
  }
  return true;
}

/** Asks, in every store that can be written, to be enrolled. Repeating it writes nothing new. Throws `trust.pairing_failed`. */
export async function requestEnrollment(following: Following, identity: AgentIdentity): Promise<void> {
  const { stores, repositoryId, channel, name, region, logger } = following;
  if (identity.pairingSecret === null) {
    throw new DomainError(
      'trust.pairing_failed',
      'The trust document does not list this machine any more, and its pairing code was used. Make a new pairing code and give it with --pair.',
    );
  }
  const { machineId, ageRecipient } = identity;
  const bytes = createEnrollRequest(
    { machineId, repositoryId, channel, name, region, publicKey: identity.signer.publicKey, ageRecipient },
    identity.pairingSecret,
  );
  const key = storeKeys.enroll(repositoryId, machineId);
  let written = 0;
  for (const store of stores) {
    try {
      const found = await store.read(key, maxEnrollBytes).catch(() => null);
      if (found === null || !Buffer.from(found.bytes).equals(bytes)) await store.put(key, { kind: 'bytes', bytes });
      written += 1;
    } catch (error) {
      logger.warn('agent.enroll_not_written', { store: store.url, reason: messageOf(error) });
      if (written === 0 && store === stores.at(-1)) throw error;
    }
  }
}

/**
 * The channel's pointer: of all that the stores hold, the acceptable one with the highest serial, remembered so that nothing
 * lower is ever taken again. A store that lags behind is no error while another is up to date. Null where there is none.
 * Throws `trust.*` and `store.*` when none is acceptable.
 */
export async function readPointer(following: Following, trust: Trust, nowMs: number): Promise<Pointer | null> {
  const { stores, repositoryId, channel, state, logger } = following;
  const { pointerSerial, pointerIdentity: seenIdentity } = state.value;
  const { values, failures } = await readFromEach({
    stores,
    key: storeKeys.pointer(repositoryId, channel),
    maxBytes: maxDocumentBytes,
    accept: bytes =>
      verifyPointer(bytes, {
        trust,
        repositoryId,
        channel,
        minSerial: pointerSerial,
        seenIdentity,
        nowMs,
        platform: hostPlatform(),
      }),
  });
  const pointer = newest(values);
  if (pointer === null) {
    if (failures.length > 0) throw failures[0];
    return null;
  }
  for (const failure of failures) logger.debug('agent.pointer_refused', { reason: messageOf(failure) });
  if (pointer.packs.some(pack => pack.artifactId !== pointer.artifactId)) {
    throw new DomainError(
      'artifact.malformed',
      `Release ${pointer.serial} names a pack of another artifact. Release again.`,
    );
  }
  if (pointer.serial > pointerSerial) {
    await state.update({ pointerSerial: pointer.serial, pointerIdentity: pointerIdentity(pointer) });
  }
  return pointer;
}
