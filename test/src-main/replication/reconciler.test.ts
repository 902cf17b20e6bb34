import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import {
  expediteReplicas,
  findRegion,
  findReplica,
  updateRegion,
  updateReplica,
} from '../../../src-main/database/regions.ts';
import { signPointer } from '../../../src-main/releases/pointer-document.ts';
import { createReconciler } from '../../../src-main/replication/reconciler.ts';
import { createRegionDocuments } from '../../../src-main/replication/region-documents.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';
import { newSigner, pointerOf } from '../../support/signed-protocol.ts';

type Center = Awaited<ReturnType<typeof startControlCenter>>;

const statusOf = async (center: Center, packDigest: string, regionId: string) =>
  (await findReplica(center.db, packDigest, regionId))?.status ?? 'none';
const becomes = (center: Center, packDigest: string, regionId: string, status: string) =>
  eventually(async () => (await statusOf(center, packDigest, regionId)) === status, {
    what: `${status} in ${regionId}`,
  });
const regionStoreOf = async (center: Center, regionId: string) => {
  const found = (await center.stores.regional()).find(({ region }) => region.id === regionId);
  if (!found) throw new Error('no such region');
  return found;
};
const eventsOf = async (center: Center, regionId: string) =>
  (await listEvents(center.db, { after: 0, limit: 500 }))
    .filter(event => event.subjectId === regionId)
    .map(event => event.type);

describe('the reconciler', () => {
  it('brings a pack and its documents to every region, verified by digest', async () => {
    const center = await startControlCenter();
    const regions = [await center.addRegion('eu'), await center.addRegion('us'), await center.addRegion('ap')];
    await center.reconciler.start();
    const channel = await center.addChannel();
    const build = await center.publishBuild(channel.repositoryId);
    center.reconciler.signal();
    for (const region of regions) {
      await becomes(center, build.packDigest, region.id, 'verified');
      expect(await eventsOf(center, region.id)).toEqual(['replica.started', 'replica.verified']);
      const pack = await readFile(`${region.path}/packs/${build.packDigest}.tar.zst`);
      expect(pack.equals(await readFile(`${center.home}/store/packs/${build.packDigest}.tar.zst`))).toBe(true);
      for (const key of [
        storeKeys.fileList(build.artifactId),
        storeKeys.torrent(build.packDigest),
        storeKeys.build(build.repositoryId, build.id),
      ])
        expect(await region.store.head(key)).not.toBeNull();
    }
  });

  it('leaves one broken region behind, says why, and catches up when it is repaired', async () => {
    const center = await startControlCenter();
    const fine = await center.addRegion('eu');
    const broken = await center.addRegion('us', false);
    // A file where the folder should be: nobody can write below it, not even root.
    await mkdir(dirname(broken.path), { recursive: true });
    await writeFile(broken.path, '');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    await becomes(center, build.packDigest, fine.id, 'verified');
    await becomes(center, build.packDigest, broken.id, 'failed');
    const replica = await findReplica(center.db, build.packDigest, broken.id);
    expect(JSON.parse(replica?.error ?? '{}')).toMatchObject({ code: expect.stringMatching(/^store\./) });
    expect(replica).toMatchObject({ attempts: 1, verifiedAt: null });
    expect((await findRegion(center.db, broken.id))?.error).not.toBeNull();

    await rm(broken.path);
    await mkdir(broken.path);
    await expediteReplicas(center.db, broken.id);
    center.reconciler.signal();
    await becomes(center, build.packDigest, broken.id, 'verified');
    expect(await findReplica(center.db, build.packDigest, broken.id)).toMatchObject({ attempts: 0, error: null });
    expect((await findRegion(center.db, broken.id))?.error).toBeNull();
    expect(await eventsOf(center, broken.id)).toEqual([
      'replica.started',
      'replica.failed',
      'replica.started',
      'replica.verified',
    ]);
  });

  it('tries again by itself, later each time', async () => {
    let aheadMs = 0;
    const center = await startControlCenter({ clock: () => Date.now() + aheadMs });
    const region = await center.addRegion('us', false);
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    await becomes(center, build.packDigest, region.id, 'failed');
    const first = await findReplica(center.db, build.packDigest, region.id);
    expect((first?.nextAttemptAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThan(1_000);
    aheadMs = 5_000;
    await mkdir(region.path, { recursive: true });
    // No signal: its own look finds that the time has come.
    await becomes(center, build.packDigest, region.id, 'verified');
  });

  it('copies again what it could not write down, when the database takes it', async () => {
    const center = await startControlCenter();
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    // In the place of a database that another program keeps locked.
    await sql`CREATE TRIGGER refused BEFORE UPDATE ON replicas WHEN NEW.status IN ('verified', 'failed')
      BEGIN SELECT raise(ABORT, 'refused'); END`.execute(center.db);
    await center.reconciler.start();
    await eventually(() => region.store.head(storeKeys.pack(build.packDigest)), { what: 'the copy' });
    await eventually(() => center.reconciler.progress(build.packDigest, region.id) === null, { what: 'its end' });
    await sql`DROP TRIGGER refused`.execute(center.db);
    await becomes(center, build.packDigest, region.id, 'verified');
  });

  it('finds a damaged copy when asked to verify, and copies it again', async () => {
    const center = await startControlCenter();
    const region = await center.addRegion('eu');
    const { repositoryId } = await center.addChannel();
    const builds = [await center.publishBuild(repositoryId), await center.publishBuild(repositoryId)];
    await center.reconciler.start();
    for (const build of builds) await becomes(center, build.packDigest, region.id, 'verified');
    const [damaged, whole] = builds;
    const before = await findReplica(center.db, whole?.packDigest ?? '', region.id);
    const file = `${region.path}/packs/${damaged?.packDigest}.tar.zst`;
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(5_000) ^ 1, 5_000);
    await writeFile(file, bytes);

    const found = await center.reconciler.audit.verify(await regionStoreOf(center, region.id), { deep: false });
    expect(found).toMatchObject({ checked: 2, damaged: 1 });
    expect(await eventsOf(center, region.id)).toContain('replica.stale');
    await becomes(center, damaged?.packDigest ?? '', region.id, 'verified');
    const again = await center.reconciler.audit.verify(await regionStoreOf(center, region.id), { deep: true });
    expect(again).toMatchObject({ checked: 2, damaged: 0, findings: [] });
    // When a copy had caught up is a fact of the past, whenever it is looked at again.
    expect(await findReplica(center.db, whole?.packDigest ?? '', region.id)).toEqual(before);
  });

  it('leaves a paused region alone until it is resumed', async () => {
    const center = await startControlCenter();
    const [paused, other] = [await center.addRegion('eu'), await center.addRegion('us')];
    await updateRegion(center.db, paused.id, { paused: 1 });
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    await becomes(center, build.packDigest, other.id, 'verified');
    expect(await statusOf(center, build.packDigest, paused.id)).toBe('pending');
    await updateRegion(center.db, paused.id, { paused: 0 });
    center.reconciler.signal();
    await becomes(center, build.packDigest, paused.id, 'verified');
  });

  it('takes up a copy that an ended engine left unfinished', async () => {
    const center = await startControlCenter();
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    await becomes(center, build.packDigest, region.id, 'verified');
    await center.reconciler.stop();
    await updateReplica(center.db, { packDigest: build.packDigest, regionId: region.id }, { status: 'copying' });
    await rm(`${region.path}/packs/${build.packDigest}.tar.zst`);
    const next = nextReconciler(center);
    await next.start();
    await becomes(center, build.packDigest, region.id, 'verified');
    expect(await region.store.head(storeKeys.pack(build.packDigest))).not.toBeNull();
    await next.stop();
  });

  it('says that a pack is missing in the main store', async () => {
    const center = await startControlCenter();
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.main.delete(storeKeys.pack(build.packDigest));
    await center.reconciler.start();
    await becomes(center, build.packDigest, region.id, 'failed');
    const replica = await findReplica(center.db, build.packDigest, region.id);
    expect(JSON.parse(replica?.error ?? '{}')).toMatchObject({
      code: 'store.not_found',
      message: expect.stringContaining('Build the revision again'),
    });
  });
});

describe('the documents of a region', () => {
  it('hold no pointer before its pack is verified there, and each region follows on its own', async () => {
    const center = await startControlCenter();
    const fine = await center.addRegion('eu');
    const late = await center.addRegion('us', false);
    const channel = await center.addChannel();
    const build = await center.publishBuild(channel.repositoryId);
    await center.releases.release({ channel, build, kind: 'promote', reason: null });
    await center.reconciler.start();
    const pointerKey = storeKeys.pointer(channel.repositoryId, channel.name);
    await eventually(() => fine.store.head(pointerKey), { what: 'the pointer in the first region' });
    expect(await statusOf(center, build.packDigest, fine.id)).toBe('verified');
    await becomes(center, build.packDigest, late.id, 'failed');

    // Reachable now, but its pack waits for the next attempt: trust comes, the pointer does not.
    await updateReplica(
      center.db,
      { packDigest: build.packDigest, regionId: late.id },
      { nextAttemptAt: Date.now() + 3_600_000 },
    );
    await mkdir(late.path, { recursive: true });
    center.reconciler.signal();
    await eventually(() => late.store.head(storeKeys.trust), { what: 'trust in the late region' });
    expect(await late.store.head(pointerKey)).toBeNull();

    await expediteReplicas(center.db, late.id);
    center.reconciler.signal();
    await eventually(() => late.store.head(pointerKey), { what: 'the pointer in the late region' });
    expect(await statusOf(center, build.packDigest, late.id)).toBe('verified');
    expect((await center.pointers.read(late.store, channel))?.pointer).toMatchObject({ serial: 1, buildId: build.id });
  });

  it('are written anew where they were damaged, and hold up no other channel', async () => {
    let aheadMs = 0;
    const center = await startControlCenter({ clock: () => Date.now() + aheadMs });
    const region = await center.addRegion('eu');
    const [before, channel, after] = [await center.addChannel(), await center.addChannel(), await center.addChannel()];
    const pointerKey = (of: typeof channel) => storeKeys.pointer(of.repositoryId, of.name);
    for (const of of [before, channel, after]) {
      const build = await center.publishBuild(of.repositoryId);
      await center.releases.release({ channel: of, build, kind: 'promote', reason: null });
    }
    await center.reconciler.start();
    for (const of of [before, channel, after]) {
      await eventually(() => region.store.head(pointerKey(of)), { what: 'the pointer' });
    }
    // What nobody can read is replaced; what a key that we do not know has signed is not ours to replace.
    await region.store.put(pointerKey(channel), { kind: 'bytes', bytes: Buffer.from('{') });
    const theirs = signPointer(pointerOf(), newSigner());
    for (const of of [before, after]) await region.store.put(pointerKey(of), { kind: 'bytes', bytes: theirs });
    aheadMs = 120_000;
    center.reconciler.signal();
    await eventually(() => center.pointers.read(region.store, channel), { what: 'the pointer that was damaged' });
    for (const of of [before, after]) {
      const kept = await region.store.read(pointerKey(of), 100_000);
      expect(theirs.equals(kept?.bytes ?? Buffer.of())).toBe(true);
    }
  });

  it('come back when the store of a region was emptied', async () => {
    let aheadMs = 0;
    const center = await startControlCenter({ clock: () => Date.now() + aheadMs });
    const region = await center.addRegion('eu');
    await center.reconciler.start();
    await eventually(() => region.store.head(storeKeys.trust), { what: 'trust' });
    await rm(`${region.path}/${storeKeys.trust}`);
    aheadMs = 120_000;
    center.reconciler.signal();
    await eventually(() => region.store.head(storeKeys.trust), { what: 'trust, again' });
  });
});

/** A reconciler over the same database and stores, as the engine that is started next has one. */
function nextReconciler(center: Center) {
  const { db, stores, trust, pointers, environments, masterKey, folder } = center;
  return createReconciler({
    db,
    stores,
    trust,
    masterKey,
    stagingFolder: `${folder}/staging`,
    documents: createRegionDocuments({
      db,
      stores,
      trust,
      pointers,
      environments,
      clock: Date.now,
      logger: silentLogger,
    }),
    clock: Date.now,
    logger: silentLogger,
    onPulse: () => undefined,
    onEvent: () => undefined,
  });
}
