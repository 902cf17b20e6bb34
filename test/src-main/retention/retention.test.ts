import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import type { SettingName } from '../../../src-main/contract/settings.ts';
import { findLogReclaimed } from '../../../src-main/database/attempts.ts';
import { type BuildWithPack, findBuild, findPack, insertBuild, insertPack } from '../../../src-main/database/builds.ts';
import { holdForAttempt } from '../../../src-main/database/pack-holds.ts';
import { findReplica, listRegions, updateRegion } from '../../../src-main/database/regions.ts';
import { beginRemoval, listRemovals } from '../../../src-main/database/retention.ts';
import { writeSetting } from '../../../src-main/database/settings.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { claimNextJob, finishJob } from '../../../src-main/queue/attempt.ts';
import { changeBuildDefaults } from '../../../src-main/queue/build-defaults.ts';
import { retryJob } from '../../../src-main/queue/enqueue.ts';
import { createRetention } from '../../../src-main/retention/retention.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addJob, addRepository, addWorker, eventTypes } from '../../support/database-fixtures.ts';
import { eventually } from '../../support/eventually.ts';

/** A control center that keeps one build, one step back, and nothing for being recent. */
async function world(around?: (store: BlobStore) => BlobStore) {
  const center = await startControlCenter(around ? { around } : {});
  const { db, stores } = center;
  const mainId = (await listRegions(db)).find(region => region.isMain === 1)?.id ?? '';
  const rule: readonly (readonly [SettingName, string])[] = [
    ['retention.builds', '1'],
    ['retention.rollbacks', '1'],
    ['retention.graceMinutes', '0'],
  ];
  for (const [name, value] of rule) await writeSetting(db, name, value);
  const folder = dataFolder(center.folder);
  const open = () => {
    const retention = createRetention({
      db,
      stores,
      folder,
      clock: Date.now,
      logger: silentLogger,
      onReclaimed: async () => undefined,
      onChanged: () => undefined,
    });
    onTestFinished(() => retention.stop());
    return retention;
  };
  const channel = await center.addChannel();
  return {
    ...center,
    channel,
    folder,
    mainId,
    retention: open(),
    /** As another start of the engine makes it. */
    open,
    build: () => center.publishBuild(channel.repositoryId),
    promote: (build: BuildWithPack) => center.releases.release({ channel, build, kind: 'promote', reason: null }),
  };
}

const keysOf = (build: BuildWithPack) => [
  storeKeys.build(build.repositoryId, build.id),
  storeKeys.torrent(build.packDigest),
  storeKeys.pack(build.packDigest),
  storeKeys.fileList(build.artifactId),
];
async function presentOf(store: BlobStore, build: BuildWithPack): Promise<string[]> {
  const heads = await Promise.all(keysOf(build).map(async key => ((await store.head(key)) === null ? [] : [key])));
  return heads.flat();
}
const isReclaimed = async ({ db }: Pick<Awaited<ReturnType<typeof world>>, 'db'>, build: BuildWithPack) =>
  (await findPack(db, build.packDigest))?.reclaimedAt !== null;

describe('reclaiming', () => {
  it('deletes what nothing needs here and in every region, and in one that was down when it is back', async () => {
    const center = await world();
    const [near, far] = [await center.addRegion('east'), await center.addRegion('west')];
    await center.reconciler.start();
    const [old, current] = [await center.build(), await center.build()];
    center.reconciler.signal();
    for (const build of [old, current])
      for (const { id } of [near, far])
        await eventually(async () => (await findReplica(center.db, build.packDigest, id))?.status === 'verified');
    await rename(far.path, `${far.path}-away`);

    const plan = await center.retention.plan();
    expect(plan.reclaim.map(pack => pack.digest)).toEqual([old.packDigest]);
    expect(plan.kept).toMatchObject([{ digest: current.packDigest, reasons: ['the newest build'], pinned: false }]);
    const result = await center.retention.reclaim();
    expect(result).toMatchObject({ packs: 1, sizeBytes: old.sizeBytes });
    expect(result.stores).toMatchObject([
      { name: 'This machine', packs: 1, error: null },
      { name: 'east', packs: 1, error: null },
      { name: 'west', packs: 0, error: { code: 'store.unreachable' } },
    ]);
    for (const store of [center.main, near.store]) {
      expect(await presentOf(store, old)).toEqual([]);
      expect(await presentOf(store, current)).toEqual(keysOf(current));
    }
    // The rows stay, and nobody copies it again.
    expect(await findBuild(center.db, old.id)).toMatchObject({ reclaimedAt: expect.any(Number) });
    expect(await findReplica(center.db, old.packDigest, near.id)).toBeNull();
    expect(await eventTypes(center.db)).toContain('build.reclaimed');

    await rename(`${far.path}-away`, far.path);
    expect((await center.retention.plan()).waiting).toEqual([{ name: 'west', packs: 1, sizeBytes: old.sizeBytes }]);
    await center.retention.reclaim();
    expect(await presentOf(far.store, old)).toEqual([]);
    expect(await presentOf(far.store, current)).toEqual(keysOf(current));
    expect(await listRemovals(center.db)).toEqual([]);
  });

  it('leaves in a region what the pointer there still names, until that goes on', async () => {
    const center = await world();
    const region = await center.addRegion('slow');
    await center.reconciler.start();
    const first = await center.build();
    await center.promote(first);
    const key = storeKeys.pointer(center.channel.repositoryId, center.channel.name);
    await eventually(() => region.store.head(key));
    await updateRegion(center.db, region.id, { paused: 1 });
    for (const build of [await center.build(), await center.build()]) await center.promote(build);

    const [, slow] = (await center.retention.reclaim()).stores;
    expect(slow).toMatchObject({ name: 'slow', packs: 0, stillNamed: 1, error: null });
    expect(await presentOf(center.main, first)).toEqual([]);
    expect(await presentOf(region.store, first)).toEqual(keysOf(first));
    await updateRegion(center.db, region.id, { paused: 0 });
    center.reconciler.signal();
    const before = await region.store.head(key);
    await eventually(async () => (await region.store.head(key))?.version !== before?.version);
    await center.retention.reclaim();
    expect(await presentOf(region.store, first)).toEqual([]);
  });

  it('goes on after a crash at any of its deletions, and leaves nothing of the pack', async () => {
    for (let deletions = 0; deletions < 5; deletions += 1) {
      let left = deletions;
      let isUp = true;
      const center = await world(store => ({
        ...store,
        delete: async key => {
          if (!isUp || left === 0) throw new DomainError('store.unreachable', 'The power went.');
          left -= 1;
          await store.delete(key);
        },
      }));
      const [old, current] = [await center.build(), await center.build()];
      const [here] = (await center.retention.reclaim()).stores;
      expect(here?.error).toMatchObject({ code: 'store.unreachable' });
      isUp = false;
      await center.retention.stop();
      isUp = true;
      left = Number.POSITIVE_INFINITY;
      const next = center.open();
      await next.start();
      await next.reclaim();
      expect(await presentOf(center.main, old)).toEqual([]);
      expect(await presentOf(center.main, current)).toEqual(keysOf(current));
    }
  });

  it('keeps a pinned build, and tells who needs a reclaimed one what to do', async () => {
    const center = await world();
    const builds = [];
    for (let index = 0; index < 5; index += 1) builds.push(await center.build());
    const [first, second, third, fourth] = builds;
    if (!first || !second || !third || !fourth) throw new Error('no builds');
    for (const build of [first, second, third]) await center.promote(build);
    await center.db.updateTable('builds').set({ pinnedAt: 1 }).where('id', '=', fourth.id).execute();
    await center.retention.reclaim();
    // The channel runs the third and can go back to the second; the fifth is the newest.
    expect(await Promise.all(builds.map(build => isReclaimed(center, build)))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    await expect(center.promote(first)).rejects.toMatchObject({ code: 'artifact.reclaimed' });
    const channel = await center.releases.channel(center.channel.repositoryId, center.channel.name);
    await expect(center.releases.rollback(channel, 1, null)).rejects.toMatchObject({ code: 'artifact.reclaimed' });
    await expect(center.releases.rollback(channel, undefined, null)).resolves.toMatchObject({ buildId: second.id });
    expect(await center.db.selectFrom('packHolds').selectAll().execute()).toEqual([]);
  });
});

describe('a race', () => {
  it('with a release is lost by the reclaim once the release has begun', async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let isGated = false;
    const center = await world(store => ({
      ...store,
      put: async (key, source, options) => {
        if (isGated && key.startsWith('channels/')) {
          reached.resolve();
          await gate.promise;
        }
        return store.put(key, source, options);
      },
    }));
    const [old] = [await center.build(), await center.build()];
    isGated = true;
    const released = center.promote(old);
    await reached.promise;
    expect(await center.retention.reclaim()).toMatchObject({ packs: 0 });
    gate.resolve();
    await released;
    await center.retention.reclaim();
    expect(await presentOf(center.main, old)).toEqual(keysOf(old));
  });

  it('with many releases ends with each either live and whole, or refused', async () => {
    const center = await world();
    const builds = [];
    for (let index = 0; index < 12; index += 1) builds.push(await center.build());
    const reclaims = [0, 1, 2].map(() => center.retention.reclaim());
    const outcomes = await Promise.allSettled(builds.map(build => center.promote(build)));
    await Promise.all(reclaims);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'artifact.reclaimed' });
    }
    const { currentReleaseId } = await center.releases.channel(center.channel.repositoryId, center.channel.name);
    const release = await center.db.selectFrom('releases').selectAll().where('id', '=', currentReleaseId).execute();
    const running = builds.find(build => build.id === release[0]?.buildId);
    if (running === undefined) throw new Error('nothing runs');
    expect(await presentOf(center.main, running)).toEqual(keysOf(running));
  });

  it('with a build of the same bytes leaves it whole, and in every region again', async () => {
    const center = await world();
    const region = await center.addRegion('near');
    await center.reconciler.start();
    const [old] = [await center.build(), await center.build()];
    center.reconciler.signal();
    await eventually(async () => (await findReplica(center.db, old.packDigest, region.id))?.status === 'verified');
    const keys = [
      storeKeys.pack(old.packDigest),
      storeKeys.fileList(old.artifactId),
      storeKeys.torrent(old.packDigest),
    ];
    const blobs = new Map<string, Uint8Array>();
    for (const key of keys) blobs.set(key, (await center.main.read(key, 1_000_000))?.bytes ?? Buffer.of());
    await center.retention.reclaim();
    const job = await addJob(center.db, center.channel.repositoryId);
    const claimed = await claimNextJob(center.db, await addWorker(center.db), Date.now());
    if (!claimed) throw new Error('no job');
    const held = { packDigest: old.packDigest, artifactId: old.artifactId };

    // While it is deleted from the main store the attempt waits; while the attempt holds it, no deletion begins.
    await center.db
      .insertInto('packRemovals')
      .values({ ...held, regionId: center.mainId })
      .execute();
    const removal = { ...held, regionId: center.mainId };
    expect(await beginRemoval(center.db, removal, 1)).toMatchObject({ kind: 'begun', withFileList: true });
    expect(await holdForAttempt(center.db, claimed.token, held, 1)).toBe(false);
    await center.db.deleteFrom('packRemovals').execute();
    expect(await holdForAttempt(center.db, claimed.token, held, 1)).toBe(true);
    await center.db.insertInto('packRemovals').values(removal).execute();
    expect(await beginRemoval(center.db, removal, 1)).toEqual({ kind: 'held' });

    for (const [key, bytes] of blobs) await center.main.put(key, { kind: 'bytes', bytes });
    const buildId = uuidv7();
    await center.publishRecord({ ...old, id: buildId });
    const { revision, repositoryId, artifactId, packDigest, platform, treeSizeBytes, fileCount } = old;
    await finishJob(center.db, claimed, {
      status: 'succeeded',
      error: null,
      now: Date.now(),
      publish: async transaction => {
        const { infoHash, sizeBytes } = old;
        const row = { digest: packDigest, artifactId, kind: 'full', sizeBytes, infoHash, storedAt: 5 } as const;
        await insertPack(transaction, row);
        await insertBuild(transaction, {
          ...{ revision, repositoryId, artifactId, packDigest, platform, treeSizeBytes, fileCount },
          id: buildId,
          jobId: job.id,
          attempt: 1,
          createdAt: 5,
        });
      },
    });
    expect(await findPack(center.db, old.packDigest)).toMatchObject({ reclaimedAt: null });
    // The build whose record is gone stays what it is; the new one goes live.
    await expect(center.promote(old)).rejects.toMatchObject({ code: 'artifact.reclaimed' });
    const rebuilt = await findBuild(center.db, buildId);
    if (!rebuilt) throw new Error('no build');
    await center.promote(rebuilt);
    await center.retention.reclaim();
    center.reconciler.signal();
    await eventually(async () => (await findReplica(center.db, old.packDigest, region.id))?.status === 'verified');
    for (const store of [center.main, region.store]) expect(await presentOf(store, rebuilt)).toEqual(keysOf(rebuilt));
  });
});

describe('what attempts leave', () => {
  it('goes: blobs that were never recorded, and work folders of none', async () => {
    const center = await world();
    await addJob(center.db, center.channel.repositoryId);
    const claimed = await claimNextJob(center.db, await addWorker(center.db), Date.now());
    if (!claimed) throw new Error('no job');
    const held = { packDigest: 'e'.repeat(64), artifactId: 'f'.repeat(64) };
    await holdForAttempt(center.db, claimed.token, held, 1);
    const keys = [storeKeys.pack(held.packDigest), storeKeys.fileList(held.artifactId)];
    for (const key of keys) await center.main.put(key, { kind: 'bytes', bytes: Buffer.from('x') });
    const { jobId, attempt } = claimed.token;
    const [running, left] = [center.folder.workOf(jobId, attempt), center.folder.workOf(jobId, attempt + 1)];
    for (const path of [running, left]) await mkdir(path, { recursive: true });

    await center.retention.reclaim();
    expect(await center.main.head(keys[0] ?? '')).not.toBeNull();
    expect(await readdir(center.folder.work)).toEqual([`${jobId}-${attempt}`]);
    await finishJob(center.db, claimed, {
      status: 'failed',
      error: new DomainError('step.failed', 'Test failed.'),
      now: 1,
    });
    await center.retention.reclaim();
    for (const key of keys) expect(await center.main.head(key)).toBeNull();
    expect(await readdir(center.folder.work)).toEqual([]);
  });

  it('their logs, by the rule; a later attempt keeps its own', async () => {
    const center = await world();
    const repositoryId = await addRepository(center.db);
    const worker = await addWorker(center.db);
    const logOf = async (jobId: string, attempt: number) => {
      const file = center.folder.jobLog(jobId, attempt);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, Buffer.alloc(400_000));
      return file;
    };
    const jobs = [];
    for (let index = 0; index < 13; index += 1) {
      jobs.push(await addJob(center.db, repositoryId));
      const claimed = await claimNextJob(center.db, worker, index);
      if (!claimed) throw new Error('no job');
      await logOf(claimed.job.id, 1);
      await finishJob(center.db, claimed, { status: 'succeeded', error: null, now: 1_000 + index });
    }
    await writeSetting(center.db, 'retention.logBytes', '1048576');
    // The newest ten always stay, also where they pass the cap.
    expect(await center.retention.reclaim()).toMatchObject({ logs: { jobs: 3, sizeBytes: 1_200_000 } });
    const [first] = jobs;
    if (!first) throw new Error('no job');
    expect(await findLogReclaimed(center.db, first.id, 1)).toEqual(expect.any(Number));
    expect(await readdir(center.folder.logs)).toHaveLength(10);

    await expect(retryJob(center.db, first.id, 2_000)).rejects.toMatchObject({ code: 'conflict' });
    await center.db.updateTable('jobs').set({ status: 'failed' }).where('id', '=', first.id).execute();
    await retryJob(center.db, first.id, 2_000);
    await claimNextJob(center.db, worker, 2_001);
    const file = await logOf(first.id, 2);
    await center.retention.reclaim();
    expect(await readdir(dirname(file))).toEqual(['2.log']);
    await rm(dirname(file), { recursive: true });
  });
});

it('says that builds do not start while the disk is below their floor', async () => {
  const center = await world();
  await changeBuildDefaults(center.db, { keepFreeBytes: 2 ** 50 });
  await center.retention.reclaim();
  expect(center.retention.problem).toMatchObject({ code: 'step.disk' });
  await changeBuildDefaults(center.db, { keepFreeBytes: 0 });
  await center.retention.reclaim();
  expect(center.retention.problem).toBeNull();
});
