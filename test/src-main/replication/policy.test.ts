import { describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import { findReplica } from '../../../src-main/database/regions.ts';
import { findRelease } from '../../../src-main/database/releases.ts';
import { writePolicy } from '../../../src-main/database/wanted-replicas.ts';
import { faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';

describe('the policy of a repository', () => {
  it('keeps the newest versions in the regions that it names, and what a channel runs or ran before', async () => {
    const center = await startControlCenter();
    const [eu, us] = [await center.addRegion('eu'), await center.addRegion('us')];
    const channel = await center.addChannel();
    const builds = [];
    for (let count = 0; count < 6; count += 1) builds.push(await center.publishBuild(channel.repositoryId));
    const [oldest, second, third, fourth, fifth, newest] = builds;
    if (!oldest || !second || !third || !fourth || !fifth || !newest) throw new Error('no builds');
    await center.releases.release({ channel, build: oldest, kind: 'promote', reason: null });
    await center.releases.release({ channel, build: third, kind: 'promote', reason: null });
    const other = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    const isIn = async (packDigest: string, region: typeof eu) =>
      (await findReplica(center.db, packDigest, region.id))?.status === 'verified' &&
      (await region.store.head(storeKeys.pack(packDigest))) !== null;
    const isGone = async (packDigest: string, region: typeof eu) =>
      (await findReplica(center.db, packDigest, region.id)) === null &&
      (await region.store.head(storeKeys.pack(packDigest))) === null;
    for (const region of [eu, us]) {
      for (const { packDigest } of [...builds, other])
        await eventually(() => isIn(packDigest, region), { what: 'all copies' });
    }

    await writePolicy(center.db, channel.repositoryId, { regionIds: [eu.id], versions: 2 });
    center.reconciler.signal();
    for (const { packDigest } of [second, fourth])
      await eventually(() => isGone(packDigest, eu), { what: 'removal in eu' });
    for (const { packDigest } of builds) await eventually(() => isGone(packDigest, us), { what: 'removal in us' });
    for (const { packDigest } of [oldest, third, fifth, newest]) expect(await isIn(packDigest, eu)).toBe(true);
    for (const region of [eu, us]) expect(await isIn(other.packDigest, region)).toBe(true);
    // The main store keeps everything: its packs are removed by its own rule.
    for (const { packDigest } of builds) expect(await center.main.head(storeKeys.pack(packDigest))).not.toBeNull();

    await writePolicy(center.db, channel.repositoryId, { regionIds: null, versions: null });
    center.reconciler.signal();
    for (const region of [eu, us]) {
      for (const { packDigest } of builds)
        await eventually(() => isIn(packDigest, region), { what: 'all copies again' });
    }
  });
});

describe('a forced release', () => {
  it('goes to a region before its copy is verified, with the reason in its record; without one it is refused', async () => {
    let isFull = true;
    const center = await startControlCenter({
      aroundRegion: store => ({
        ...faulty(store, () => null),
        put: (key, source, options) =>
          isFull && key.startsWith('packs/')
            ? Promise.reject(new DomainError('store.full', 'No space left.'))
            : store.put(key, source, options),
      }),
    });
    const region = await center.addRegion('eu');
    const channel = await center.addChannel();
    const build = await center.publishBuild(channel.repositoryId);
    await center.reconciler.start();
    const key = storeKeys.pointer(channel.repositoryId, channel.name);
    const request = { channel, build, kind: 'promote' as const };
    await center.releases.release({ ...request, reason: null });
    await eventually(async () => (await findReplica(center.db, build.packDigest, region.id))?.status === 'failed', {
      what: 'the full store',
    });
    await eventually(() => region.store.head(storeKeys.trust), { what: 'the documents of the region' });
    expect(await region.store.head(key)).toBeNull();
    for (const reason of [null, '  ']) {
      await expect(center.releases.release({ ...request, reason, force: true })).rejects.toMatchObject({
        code: 'input.invalid',
      });
    }
    const made = await center.releases.release({ ...request, reason: 'The old one leaks', force: true });
    await eventually(() => region.store.head(key), { what: 'the pointer' });
    expect((await center.pointers.read(region.store, channel))?.pointer.serial).toBe(2);
    expect(await findRelease(center.db, made.id)).toMatchObject({ forced: 1, reason: 'The old one leaks' });
    const event = (await listEvents(center.db, { after: 0, limit: 500 })).find(
      ({ subjectId }) => subjectId === made.id,
    );
    expect(event?.data).toMatchObject({ forced: true, reason: 'The old one leaks' });
    isFull = false;
  });
});
