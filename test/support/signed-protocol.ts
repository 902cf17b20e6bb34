/** Owns documents of the release protocol with plausible content, for tests that change one thing at a time. */
import { v7 as uuidv7 } from 'uuid';
import type { EnrolledMachine, MachineReport, Pointer, Trust } from '../../src-main/contract/documents.ts';
import { hostPlatform } from '../../src-main/releases/platform.ts';
import { generateSeed, type Signer, signerFromSeed } from '../../src-main/secrets/signing-keys.ts';

export const newSigner = (): Signer => signerFromSeed(generateSeed());
export const digestOf = (digit: string) => digit.repeat(64);

export function trustOf(root: Signer, release: readonly Signer[], changes: Partial<Trust> = {}): Trust {
  return {
    type: 'slipway.trust/v1',
    serial: 1,
    rootPublicKey: root.publicKey,
    issuedAtMs: 1,
    releaseKeys: release.map(key => ({ publicKey: key.publicKey, name: 'desk', addedAtMs: 1, revokedAtMs: null })),
    machines: [],
    ...changes,
  };
}

export function machineOf(key: Signer, changes: Partial<EnrolledMachine> = {}): EnrolledMachine {
  return {
    machineId: uuidv7(),
    repositoryId: uuidv7(),
    channel: 'production',
    name: 'web-1',
    region: 'eu',
    publicKey: key.publicKey,
    ageRecipient: 'age1x',
    enrolledAtMs: 1,
    revokedAtMs: null,
    ...changes,
  };
}

export function pointerOf(changes: Partial<Pointer> = {}): Pointer {
  const artifactId = changes.artifactId ?? digestOf('a');
  return {
    type: 'slipway.pointer/v1',
    repositoryId: uuidv7(),
    channel: 'production',
    serial: 1,
    releaseId: uuidv7(),
    buildId: uuidv7(),
    revision: 'f'.repeat(40),
    artifactId,
    platform: hostPlatform(),
    packs: [
      { digest: digestOf('b'), kind: 'full', artifactId, baseArtifactId: null, sizeBytes: 1, infoHash: 'c'.repeat(40) },
    ],
    environmentDigest: null,
    previous: null,
    start: null,
    health: null,
    issuedAtMs: 1_000,
    expiresAtMs: 2_000,
    ...changes,
  };
}

export function reportOf(machine: EnrolledMachine, changes: Partial<MachineReport> = {}): MachineReport {
  return {
    type: 'slipway.report/v1',
    machineId: machine.machineId,
    repositoryId: machine.repositoryId,
    channel: machine.channel,
    sequence: 1,
    name: machine.name,
    region: machine.region,
    agentVersion: '0.1.0',
    platform: hostPlatform(),
    peers: [],
    seeding: [],
    serial: null,
    artifactId: null,
    releaseId: null,
    targetSerial: null,
    phase: 'enrolled',
    progress: null,
    health: 'unknown',
    message: null,
    bytes: { peers: 0, region: 0, reuse: 0 },
    timeline: [],
    kept: [],
    environmentNames: [],
    evidenceSerial: null,
    drift: null,
    repairedAtMs: 0,
    reportedAtMs: 1,
    ...changes,
  };
}
