import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { findMachine, insertMachine, updateMachine } from '../../../src-main/database/machines.ts';
import { createTrustService } from '../../../src-main/releases/trust-service.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addRepository } from '../../support/database-fixtures.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** An installation whose database is of before a machine was revoked, as after the restore of an old backup. */
async function restored() {
  const { db, main, keyring, trust } = await startControlCenter();
  const id = uuidv7();
  await insertMachine(db, {
    ...{
      id,
      repositoryId: await addRepository(db),
      channel: 'production',
      name: 'web-1',
      region: null,
      sealedSecret: null,
    },
    ...{ inviteExpiresAt: null, enrolledAt: 1, publicKey: 'A'.repeat(43), ageRecipient: 'age1x', revokedAt: null },
    ...{ report: null, reportSequence: 0, lastReportAt: null, repairRequestedAt: null },
  });
  await trust.renew();
  const old = await main.read(storeKeys.trust, 1_000_000);
  await updateMachine(db, id, { revokedAt: 5 });
  const newest = await trust.renew();
  const bytes = (await main.read(storeKeys.trust, 1_000_000))?.bytes;
  await updateMachine(db, id, { revokedAt: null });
  if (!old || !bytes) throw new Error('no trust document');
  const start = async () => {
    const service = createTrustService({ db, keyring, main, clock: Date.now });
    await service.start();
    return service;
  };
  const revokedIn = (service: Awaited<ReturnType<typeof start>>) =>
    service.current.machines.find(({ machineId }) => machineId === id)?.revokedAtMs;
  return { db, id, main, old: old.bytes, newest, bytes, start, revokedIn };
}

it('leaves a machine revoked that the main store says is', async () => {
  const { db, id, newest, start, revokedIn } = await restored();
  const service = await start();
  expect(revokedIn(service)).toBe(5);
  expect(service.current.serial).toBe(newest.serial);
  expect(await findMachine(db, id)).toMatchObject({ revokedAt: 5 });
});

it('takes what a region says where the main store is as old as the database', async () => {
  const { db, id, main, old, newest, bytes, start, revokedIn } = await restored();
  const head = await main.head(storeKeys.trust);
  await main.put(storeKeys.trust, { kind: 'bytes', bytes: old }, { ifVersion: head?.version ?? null });
  await db.updateTable('settings').set({ value: '1' }).where('key', '=', 'trust.serial').execute();
  const region = createFilesystemStore(await scratchFolder());
  await region.put(storeKeys.trust, { kind: 'bytes', bytes }, { ifVersion: null });
  const service = await start();
  expect(revokedIn(service)).toBeNull();
  await service.adoptFrom(region);
  expect(revokedIn(service)).toBe(5);
  expect(service.current.serial).toBe(newest.serial);
  expect(await findMachine(db, id)).toMatchObject({ revokedAt: 5 });
  expect((await service.renew()).serial).toBe(newest.serial + 1);
});
