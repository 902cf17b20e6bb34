/** Owns a channel's signed pointer: what makes one acceptable to a machine. Not who may release, nor how it is activated. */
import { createHash } from 'node:crypto';
import { type Platform, type Pointer, pointerSchema, type Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import { canonicalJson } from './canonical-json.ts';
import { platformMatches, platformName } from './platform.ts';
import { signDocument, verifyDocument } from './signed-document.ts';
import { releaseKeysFor } from './trust-document.ts';

const payloadType = 'application/vnd.slipway.pointer+json';

/** The bytes of a pointer, signed by a release key. */
export function signPointer(pointer: Pointer, release: Signer): Buffer {
  return signDocument(payloadType, pointerSchema.parse(pointer), release);
}

/**
 * What a serial stands for, as SHA-256 in hex: the same for every renewal of a pointer. The times, the packs to choose
 * from, which machines may go or are repaired, and the encryption of the environment (done anew when a machine joins) may change under one serial; what runs may not.
 */
export function pointerIdentity(pointer: Pointer): string {
  const {
    issuedAtMs: _issued,
    expiresAtMs: _expires,
    packs: _packs,
    rollout: _rollout,
    repairs: _repairs,
    environmentDigest: _environment,
    ...identity
  } = pointer;
  return createHash('sha256').update(canonicalJson(identity)).digest('hex');
}

export interface PointerExpectation {
  readonly trust: Trust;
  readonly repositoryId: string;
  readonly channel: string;
  /** The highest serial seen; 0 at first. */
  readonly minSerial: number;
  /** `pointerIdentity` of the pointer seen under `minSerial`. */
  readonly seenIdentity?: string | null;
  readonly nowMs: number;
  /** Where given, a pointer for another platform is refused. */
  readonly platform?: Platform;
}

/**
 * The pointer, if a release key that counts signed it for this repository and channel, it is not expired, and it is no
 * step back. Throws `trust.untrusted` (key unknown or revoked, another repository or channel, two contents under one
 * serial), `trust.signature_invalid`, `trust.rollback_refused`, `trust.expired`, `trust.platform_mismatch`, `store.malformed`.
 */
export function verifyPointer(bytes: Uint8Array, expected: PointerExpectation): Pointer {
  const { trust, repositoryId, channel, minSerial, seenIdentity, nowMs, platform } = expected;
  const what = `The pointer of channel ${channel}`;
  const publicKeys = releaseKeysFor(bytes, trust, what);
  const { value: pointer } = verifyDocument({ bytes, payloadType, publicKeys, schema: pointerSchema, what });
  const details = { serial: pointer.serial, minSerial };
  if (pointer.repositoryId !== repositoryId || pointer.channel !== channel) {
    throw new DomainError(
      'trust.untrusted',
      `${what} was signed for channel ${pointer.channel} of repository ${pointer.repositoryId}: somebody put it in the wrong place. It was refused; release again.`,
      details,
    );
  }
  if (pointer.serial < minSerial) {
    throw new DomainError(
      'trust.rollback_refused',
      `${what} has serial ${pointer.serial}, but ${minSerial} was seen before: the store holds an old copy. It was refused; what runs goes on.`,
      details,
    );
  }
  if (pointer.serial === minSerial && seenIdentity != null && seenIdentity !== pointerIdentity(pointer)) {
    throw new DomainError(
      'trust.untrusted',
      `${what} has serial ${pointer.serial} as before, but names another release. It was refused; release again under a new serial.`,
      details,
    );
  }
  if (pointer.expiresAtMs <= nowMs) {
    throw new DomainError(
      'trust.expired',
      `${what} expired on ${new Date(pointer.expiresAtMs).toISOString()}. What runs goes on; start the control center, which renews it, and check this machine's clock.`,
      { ...details, expiresAtMs: pointer.expiresAtMs },
    );
  }
  if (platform !== undefined && !platformMatches(pointer.platform, platform)) {
    throw new DomainError(
      'trust.platform_mismatch',
      `${what} names a build for ${platformName(pointer.platform)}, but this machine is ${platformName(platform)}. Build for this platform.`,
      { ...details, built: pointer.platform, machine: platform },
    );
  }
  return pointer;
}
