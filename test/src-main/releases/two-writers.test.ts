import { describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { createEnrollRequest, parsePairing } from '../../../src-main/releases/enrollment.ts';
import { verifyTrust } from '../../../src-main/releases/trust-document.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { newSigner } from '../../support/signed-protocol.ts';

describe('the trust document of two control centers', () => {
  it('takes each serial once and forgets nobody, whoever is faster', async () => {
    const first = await startControlCenter();
    const second = await startControlCenter({ home: first.home });
    const channel = await first.addChannel();
    const place = { repositoryId: channel.repositoryId, channel: channel.name, region: null };
    // The second knows the repository under the same id, and invites a machine of its own.
    const row = first.db.selectFrom('repositories').selectAll().where('id', '=', channel.repositoryId);
    await second.db
      .insertInto('repositories')
      .values(await row.executeTakeFirstOrThrow())
      .execute();
    for (const [center, name] of [
      [first, 'web-1'],
      [second, 'web-2'],
    ] as const) {
      const { machineId, secret } = parsePairing((await center.machines.invite({ ...place, name })).secret);
      const request = { ...place, machineId, name, publicKey: newSigner().publicKey, ageRecipient: 'age1x' };
      const bytes = createEnrollRequest(request, secret);
      await first.main.put(storeKeys.enroll(channel.repositoryId, machineId), { kind: 'bytes', bytes });
    }
    await Promise.all([first.machines.look(), second.machines.look()]);
    const serials = await Promise.all(
      [first, second, first, second, first, second].map(async center => (await center.trust.renew()).serial),
    );
    expect(new Set(serials).size).toBe(serials.length);
    const stored = await first.main.read(storeKeys.trust, 1_000_000);
    const trust = verifyTrust(stored?.bytes ?? Buffer.alloc(0), first.keyring.rootPublicKey, 0);
    expect(trust.serial).toBe(Math.max(...serials));
    expect(trust.machines.map(({ name }) => name).sort()).toEqual(['web-1', 'web-2']);
  });
});

describe('a pointer that is written again as a release is made', () => {
  it('takes no serial: the release goes through', async () => {
    const main: { store: BlobStore | null } = { store: null };
    let beforeWrite: (() => Promise<void>) | null = null;
    const center = await startControlCenter({
      around: store => {
        main.store = store;
        return {
          ...faulty(store, () => null),
          put: async (key, source, options) => {
            const step = key.startsWith('channels/') ? beforeWrite : null;
            beforeWrite = null;
            await step?.();
            return store.put(key, source, options);
          },
        };
      },
    });
    const channel = await center.addChannel();
    const [build, next] = [
      await center.publishBuild(channel.repositoryId),
      await center.publishBuild(channel.repositoryId),
    ];
    const promote = (what: typeof build) =>
      center.releases.release({ channel, build: what, kind: 'promote', reason: null });
    await promote(build);
    const key = storeKeys.pointer(channel.repositoryId, channel.name);
    const lost = await main.store?.read(key, 100_000);
    await main.store?.delete(key);
    // The release reads that there is none; before it writes, the look of the reconciler has put the old one back.
    beforeWrite = async () => {
      await main.store?.put(key, { kind: 'bytes', bytes: lost?.bytes ?? Buffer.alloc(0) }, { ifVersion: null });
    };
    expect(await promote(next)).toMatchObject({ serial: 2 });
    expect((await center.pointers.read(center.main, channel))?.pointer).toMatchObject({ serial: 2, buildId: next.id });
  });
});
