import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type EnrollRequest, storeKeys } from '../../../src-main/contract/documents.ts';
import { findMachine } from '../../../src-main/database/machines.ts';
import { createEnrollRequest, parsePairing } from '../../../src-main/releases/enrollment.ts';
import { signReport } from '../../../src-main/releases/machine-report.ts';
import { signTrust, verifyTrust } from '../../../src-main/releases/trust-document.ts';
import { createTrustService } from '../../../src-main/releases/trust-service.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventTypes } from '../../support/database-fixtures.ts';
import { machineOf, newSigner, reportOf } from '../../support/signed-protocol.ts';

/** A control center with one channel and an invitation for one machine. */
async function invited(around?: (store: BlobStore) => BlobStore) {
  let nowMs = 1_000_000;
  const center = await startControlCenter({ clock: () => nowMs, ...(around ? { around } : {}) });
  const { repositoryId } = await center.addChannel();
  const place = { repositoryId, channel: 'production', name: 'web-1', region: null };
  const invitation = await center.machines.invite(place);
  const { machineId, secret } = parsePairing(invitation.secret);
  const key = newSigner();
  const request = (changes: Partial<EnrollRequest> = {}) => ({
    ...place,
    machineId,
    publicKey: key.publicKey,
    ageRecipient: 'age1x',
    ...changes,
  });
  const put = (bytes: Uint8Array, to = center.main) =>
    to.put(storeKeys.enroll(repositoryId, machineId), { kind: 'bytes', bytes });
  const machine = { ...machineOf(key), ...place, machineId };
  return {
    center,
    repositoryId,
    machineId,
    secret,
    key,
    machine,
    request,
    put,
    row: () => findMachine(center.db, machineId),
    trusted: () => center.trust.current.machines.map(({ publicKey }) => publicKey),
    pass: (ms: number) => {
      nowMs += ms;
    },
    async enroll() {
      await put(createEnrollRequest(request(), secret));
      await center.machines.look();
    },
    async report(changes: Parameters<typeof reportOf>[1], signer = key) {
      const bytes = signReport(reportOf(machine, changes), signer);
      await center.main.put(storeKeys.report(repositoryId, machineId), { kind: 'bytes', bytes });
      await center.machines.look();
    },
  };
}

describe('a machine that asks to be enrolled', () => {
  it('is trusted when it knows the secret, in a document that the root signed', async () => {
    const { center, enroll, row, trusted, key } = await invited();
    const before = center.trust.current.serial;
    await enroll();
    expect(await row()).toMatchObject({ publicKey: key.publicKey, sealedSecret: null, enrolledAt: 1_000_000 });
    expect(trusted()).toEqual([key.publicKey]);
    const stored = await center.main.read(storeKeys.trust, 100_000);
    expect(verifyTrust(stored?.bytes ?? Buffer.of(), center.keyring.rootPublicKey, before + 1).machines).toHaveLength(
      1,
    );
    expect(await eventTypes(center.db)).toEqual(['machine.invited', 'machine.enrolled']);
  });

  it.each([
    ['with another secret', {}, 'B'.repeat(43)],
    ['for another channel', { channel: 'staging' }, null],
    ['as another machine', { machineId: '01900000-0000-7000-8000-000000000000' }, null],
  ])('%s is refused, and may ask rightly afterwards', async (_how, changes, wrongSecret) => {
    const { center, put, request, secret, row, trusted, enroll } = await invited();
    await put(createEnrollRequest(request(changes), wrongSecret ?? secret));
    await center.machines.look();
    expect(await row()).toMatchObject({ enrolledAt: null, publicKey: null });
    expect(trusted()).toEqual([]);
    await enroll();
    expect(trusted()).toHaveLength(1);
  });

  it('after an hour is too late', async () => {
    const { enroll, pass, row, trusted } = await invited();
    pass(60 * 60 * 1_000 + 1);
    await enroll();
    expect(await row()).toMatchObject({ enrolledAt: null });
    expect(trusted()).toEqual([]);
  });

  it('uses its secret once, though a second request lies in another store', async () => {
    const { center, put, request, secret, row, key } = await invited();
    const region = await center.addRegion('eu');
    await put(createEnrollRequest(request(), secret));
    const { publicKey } = newSigner();
    await put(createEnrollRequest(request({ publicKey }), secret), region.store);
    await center.machines.look();
    expect(await row()).toMatchObject({ publicKey: key.publicKey });
    await center.machines.look();
    expect(await row()).toMatchObject({ publicKey: key.publicKey });
    expect((await eventTypes(center.db)).filter(type => type === 'machine.enrolled')).toHaveLength(1);
  });

  it('is trusted as soon as a store that was full takes the document', async () => {
    let broken = false;
    const { enroll, center, trusted } = await invited(store => ({
      ...store,
      put: async (key, source, options) => {
        if (broken && key === storeKeys.trust) throw new Error('the disk is full');
        return store.put(key, source, options);
      },
    }));
    broken = true;
    await expect(enroll()).rejects.toThrow('full');
    expect(trusted()).toEqual([]);
    broken = false;
    await center.machines.look();
    expect(trusted()).toHaveLength(1);
  });

  it('is trusted by the next engine when this one ended in between', async () => {
    const { center, enroll, key } = await invited();
    const { db, keyring, main } = center;
    await enroll();
    // Back to the document from before the enrollment, as if it had not been signed.
    const newer = center.trust.current;
    const next = createTrustService({ db, keyring, main, clock: Date.now });
    const old = signTrust({ ...newer, machines: [] }, keyring.root);
    await main.put(storeKeys.trust, { kind: 'bytes', bytes: old });
    await next.start();
    expect(next.current.serial).toBe(newer.serial + 1);
    expect(next.current.machines.map(({ publicKey }) => publicKey)).toEqual([key.publicKey]);
  });
});

describe('a report', () => {
  it('of an enrolled machine counts, and a replay of an old one does not', async () => {
    const { enroll, report, row, center } = await invited();
    await enroll();
    await report({ sequence: 5, phase: 'active', serial: 2, reportedAtMs: 50 });
    expect(await row()).toMatchObject({ reportSequence: 5, lastReportAt: 50 });
    await report({ sequence: 4, phase: 'failed', serial: 1, reportedAtMs: 40 });
    await report({ sequence: 5, phase: 'failed', serial: 1, reportedAtMs: 60 });
    expect(await row()).toMatchObject({ reportSequence: 5, lastReportAt: 50 });
    expect((await eventTypes(center.db)).slice(2)).toEqual(['machine.switched']);
  });

  it('that the machine did not sign is ignored', async () => {
    const { enroll, report, row } = await invited();
    await enroll();
    await report({ sequence: 1, phase: 'active', serial: 1 }, newSigner());
    expect(await row()).toMatchObject({ reportSequence: 0, report: null });
  });

  it('of a revoked machine is ignored', async () => {
    const { center, enroll, report, row, machineId, trusted } = await invited();
    await enroll();
    await center.machines.revoke(machineId);
    expect(center.trust.current.machines).toMatchObject([{ machineId, revokedAtMs: 1_000_000 }]);
    expect(trusted()).toHaveLength(1);
    await report({ sequence: 9, phase: 'active', serial: 1 });
    expect(await row()).toMatchObject({ reportSequence: 0 });
    await expect(center.machines.revoke(machineId)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('that is no document at all hides no other machine', async () => {
    const { center, repositoryId, enroll, row, trusted } = await invited();
    const place = { repositoryId, channel: 'production', name: 'web-0', region: null };
    const other = parsePairing((await center.machines.invite(place)).secret);
    const bytes = createEnrollRequest(
      { ...place, machineId: other.machineId, publicKey: newSigner().publicKey, ageRecipient: 'age1x' },
      other.secret,
    );
    await center.main.put(storeKeys.enroll(repositoryId, other.machineId), { kind: 'bytes', bytes });
    await center.machines.look();
    const tooLarge = { kind: 'bytes', bytes: Buffer.alloc(9 * 1024 * 1024) } as const;
    await center.main.put(storeKeys.report(repositoryId, other.machineId), tooLarge);
    await enroll();
    expect(await row()).toMatchObject({ enrolledAt: 1_000_000 });
    expect(trusted()).toHaveLength(2);
  });

  it('that could not be recorded is taken at the next look', async () => {
    const { center, machineId, enroll, report, row } = await invited();
    await enroll();
    const refuse = `create trigger refuse before update on machines begin select raise(abort, 'no space'); end`;
    await sql.raw(refuse).execute(center.db);
    await report({ sequence: 1, phase: 'active', serial: 1, reportedAtMs: 50 });
    expect(await row()).toMatchObject({ id: machineId, reportSequence: 0 });
    await sql.raw('drop trigger refuse').execute(center.db);
    await center.machines.look();
    expect(await row()).toMatchObject({ reportSequence: 1, lastReportAt: 50 });
  });

  it('of a failure is an event of its own', async () => {
    const { center, enroll, report } = await invited();
    await enroll();
    await report({ sequence: 1, phase: 'fetching', targetSerial: 1 });
    await report({ sequence: 2, phase: 'rolled_back', targetSerial: 1, message: 'health check failed' });
    expect((await eventTypes(center.db)).slice(2)).toEqual(['machine.reported', 'machine.failed']);
  });
});

it('refuses a main store of another installation, and writes nothing to it', async () => {
  const [one, other] = [await startControlCenter(), await startControlCenter()];
  const before = await one.main.read(storeKeys.trust, 100_000);
  const intruder = createTrustService({ db: other.db, keyring: other.keyring, main: one.main, clock: Date.now });
  await expect(intruder.start()).rejects.toMatchObject({ code: expect.stringMatching(/^trust\./) });
  expect(await one.main.read(storeKeys.trust, 100_000)).toEqual(before);
});
