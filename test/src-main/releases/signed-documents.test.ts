import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ErrorCode } from '../../../src-main/contract/errors.ts';
import { signBuild, verifyBuild } from '../../../src-main/releases/build-document.ts';
import { signReport, verifyReport } from '../../../src-main/releases/machine-report.ts';
import { hostPlatform, platformMatches } from '../../../src-main/releases/platform.ts';
import { pointerIdentity, signPointer, verifyPointer } from '../../../src-main/releases/pointer-document.ts';
import { seederKey, signSeeder, verifySeeder } from '../../../src-main/releases/seeder-document.ts';
import { maxDocumentBytes } from '../../../src-main/releases/signed-document.ts';
import { signTrust, verifyTrust } from '../../../src-main/releases/trust-document.ts';
import { digestOf, machineOf, newSigner, pointerOf, reportOf, trustOf } from '../../support/signed-protocol.ts';

const root = newSigner();
const release = newSigner();
const stranger = newSigner();
const trust = trustOf(root, [release]);
const refusedAs = (code: ErrorCode) => expect.objectContaining({ code });

describe('the trust document', () => {
  it('is accepted from the pinned root at the same serial or a higher one', () => {
    expect(verifyTrust(signTrust(trust, root), root.publicKey, 1)).toEqual(trust);
    expect(verifyTrust(signTrust({ ...trust, serial: 9 }, root), root.publicKey, 1).serial).toBe(9);
  });

  it('is refused from another root, at a lower serial, or damaged', () => {
    const bytes = signTrust(trust, root);
    expect(() => verifyTrust(bytes, stranger.publicKey, 0)).toThrow(refusedAs('trust.signature_invalid'));
    expect(() => verifyTrust(bytes, root.publicKey, 2)).toThrow(refusedAs('trust.rollback_refused'));
    expect(() => verifyTrust(bytes.subarray(0, 50), root.publicKey, 0)).toThrow(refusedAs('store.malformed'));
    expect(() => verifyTrust(Buffer.alloc(maxDocumentBytes + 1), root.publicKey, 0)).toThrow(
      refusedAs('store.malformed'),
    );
    expect(() => signTrust(trust, release)).toThrow(refusedAs('input.invalid'));
  });
});

describe('the pointer', () => {
  const pointer = pointerOf({ serial: 5 });
  const bytes = signPointer(pointer, release);
  const expected = {
    trust,
    repositoryId: pointer.repositoryId,
    channel: 'production',
    minSerial: 5,
    nowMs: 1_999,
    platform: hostPlatform(),
  };

  it('is accepted from a release key that counts', () => {
    expect(verifyPointer(bytes, { ...expected, seenIdentity: pointerIdentity(pointer) })).toEqual(pointer);
  });

  it('is refused from a key that is unknown, revoked, or only claimed', () => {
    expect(() => verifyPointer(signPointer(pointer, stranger), expected)).toThrow(refusedAs('trust.untrusted'));
    const revoked = trustOf(root, [], {
      releaseKeys: [{ publicKey: release.publicKey, name: 'old desk', addedAtMs: 1, revokedAtMs: 2 }],
    });
    expect(() => verifyPointer(bytes, { ...expected, trust: revoked })).toThrow(
      expect.objectContaining({ code: 'trust.untrusted', message: expect.stringContaining('old desk') }),
    );
    const forged = signPointer(pointer, { ...stranger, keyId: release.keyId });
    expect(() => verifyPointer(forged, expected)).toThrow(refusedAs('trust.signature_invalid'));
  });

  it('is refused in the wrong place', () => {
    expect(() => verifyPointer(bytes, { ...expected, channel: 'staging' })).toThrow(refusedAs('trust.untrusted'));
    expect(() => verifyPointer(bytes, { ...expected, repositoryId: uuidv7() })).toThrow(refusedAs('trust.untrusted'));
  });

  it('is refused as a step back, after its expiry, and for another platform', () => {
    expect(() => verifyPointer(bytes, { ...expected, minSerial: 6 })).toThrow(refusedAs('trust.rollback_refused'));
    expect(() => verifyPointer(bytes, { ...expected, nowMs: 2_000 })).toThrow(refusedAs('trust.expired'));
    const other = { ...hostPlatform(), arch: 'riscv64' };
    expect(() => verifyPointer(bytes, { ...expected, platform: other })).toThrow(refusedAs('trust.platform_mismatch'));
  });

  it('may be renewed under its serial, but not name another release', () => {
    const seenIdentity = pointerIdentity(pointer);
    const renewed = signPointer({ ...pointer, issuedAtMs: 5_000, expiresAtMs: 9_000 }, release);
    expect(verifyPointer(renewed, { ...expected, seenIdentity }).expiresAtMs).toBe(9_000);
    const swapped = signPointer({ ...pointer, artifactId: digestOf('e') }, release);
    expect(() => verifyPointer(swapped, { ...expected, seenIdentity })).toThrow(refusedAs('trust.untrusted'));
    const higher = signPointer({ ...pointer, serial: 6, artifactId: digestOf('e') }, release);
    expect(verifyPointer(higher, { ...expected, seenIdentity }).serial).toBe(6);
  });

  it('cannot be replaced by a document of another kind', () => {
    expect(() => verifyPointer(signBuild(pointer, release), expected)).toThrow(refusedAs('store.malformed'));
    expect(() => verifyPointer(Buffer.from('null'), expected)).toThrow(refusedAs('store.malformed'));
  });
});

describe('reports and seeder documents', () => {
  const machineKey = newSigner();
  const machine = machineOf(machineKey);
  const { repositoryId } = machine;
  const withMachine = trustOf(root, [release], { machines: [machine] });

  it('are accepted from who they speak of', () => {
    const report = reportOf(machine, { sequence: 4 });
    expect(verifyReport(signReport(report, machineKey), withMachine, { repositoryId, minSequence: 4 })).toEqual(report);
  });

  it('are refused from others, about others, replayed, or from a revoked machine', () => {
    const bytes = signReport(reportOf(machine, { sequence: 4 }), machineKey);
    const verify =
      (value: Uint8Array, by = withMachine) =>
      () =>
        verifyReport(value, by, { repositoryId, minSequence: 5 });
    expect(verify(bytes)).toThrow(refusedAs('trust.rollback_refused'));
    expect(verify(signReport(reportOf(machine), stranger))).toThrow(refusedAs('trust.signature_invalid'));
    expect(verify(signReport(reportOf({ ...machine, machineId: uuidv7() }), machineKey))).toThrow(
      refusedAs('trust.untrusted'),
    );
    const revoked = trustOf(root, [release], { machines: [{ ...machine, revokedAtMs: 2 }] });
    expect(verify(bytes, revoked)).toThrow(refusedAs('trust.signature_invalid'));
    expect(() => verifyReport(bytes, withMachine, { repositoryId: uuidv7() })).toThrow(
      refusedAs('trust.signature_invalid'),
    );
  });

  it('let a control center say where it seeds', () => {
    const seeder = {
      type: 'slipway.seeder/v1' as const,
      repositoryId,
      peers: [{ host: '127.0.0.1', port: 6881 }],
      seeding: ['a'.repeat(40)],
      sequence: 1,
      reportedAtMs: 1,
    };
    expect(verifySeeder(signSeeder(seeder, release), trust, { repositoryId })).toEqual(seeder);
    expect(() => verifySeeder(signSeeder(seeder, stranger), trust, { repositoryId })).toThrow(
      refusedAs('trust.untrusted'),
    );
    expect(() => verifySeeder(signSeeder(seeder, release), trust, { repositoryId: uuidv7() })).toThrow(
      refusedAs('trust.untrusted'),
    );
    expect(seederKey(repositoryId, release.keyId)).toBe(
      `machines/${repositoryId}/seeder-${release.keyId.slice(0, 16)}.json`,
    );
  });
});

describe('build records and platforms', () => {
  it('keep the statement under the release key', () => {
    const schema = z.object({ subject: z.string() });
    expect(verifyBuild(signBuild({ subject: 'x' }, release), trust, schema)).toEqual({ subject: 'x' });
    expect(() => verifyBuild(signBuild({ subject: 'x' }, stranger), trust, schema)).toThrow(
      refusedAs('trust.untrusted'),
    );
    expect(() => verifyBuild(signBuild({ subject: 1 }, release), trust, schema)).toThrow(refusedAs('store.malformed'));
  });

  it('match what can run', () => {
    const host = hostPlatform();
    expect(host.os).toBe(process.platform);
    expect(platformMatches(host, host)).toBe(true);
    expect(platformMatches({ os: 'any', arch: 'any', libc: null }, host)).toBe(true);
    const linux = { os: 'linux', arch: 'x64', libc: 'glibc' };
    expect(platformMatches({ ...linux, libc: 'musl' }, linux)).toBe(false);
    expect(platformMatches({ ...linux, libc: null }, linux)).toBe(true);
    expect(platformMatches({ ...linux, arch: 'arm64' }, linux)).toBe(false);
  });
});
