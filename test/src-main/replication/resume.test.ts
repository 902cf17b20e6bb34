import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { findReplica, updateRegion } from '../../../src-main/database/regions.ts';
import { sumTraffic } from '../../../src-main/database/traffic.ts';
import { createReconciler } from '../../../src-main/replication/reconciler.ts';
import type { BlobStore, PutOptions } from '../../../src-main/stores/blob-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';

const partBytes = 10_000;

/**
 * A store whose upload goes in parts and can go on at any of them, in the place of a cloud: the words that it keeps are the bytes that
 * arrived. It holds the upload after `holdAt` bytes until it is aborted.
 */
function resumable(store: BlobStore, sent: number[], holdAt: () => number | null): BlobStore {
  return {
    ...faulty(store, () => null),
    async put(key, source, options: PutOptions = {}) {
      if (!key.endsWith('.tar.zst') || source.kind !== 'file') return store.put(key, source, options);
      const from = Number(options.resume?.state ?? 0);
      sent.push(from);
      for (let at = from; at < source.sizeBytes; at += partBytes) {
        options.signal?.throwIfAborted();
        if (holdAt() !== null && at >= (holdAt() ?? 0)) {
          await new Promise((_, reject) =>
            options.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
          );
        }
        await options.throttle?.(Math.min(partBytes, source.sizeBytes - at));
        await options.resume?.save(String(Math.min(at + partBytes, source.sizeBytes)));
        options.onProgress?.(Math.min(at + partBytes, source.sizeBytes));
      }
      const { throttle: _throttle, ...rest } = options;
      return store.put(key, source, rest);
    },
  };
}

describe('a copy that was cut off', () => {
  it('goes on at the byte where it stopped, in the engine that is started next', async () => {
    const sent: number[] = [];
    let holdAt: number | null = 50_000;
    const center = await startControlCenter({ aroundRegion: store => resumable(store, sent, () => holdAt) });
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    const replica = async () => await findReplica(center.db, build.packDigest, region.id);
    await center.reconciler.start();
    await eventually(() => center.reconciler.progress(build.packDigest, region.id)?.bytesDone === 50_000, {
      what: 'half',
    });
    await center.reconciler.stop();
    const stopped = await replica();
    expect(stopped).toMatchObject({ status: 'pending', bytesDone: 50_000 });
    // What an adapter keeps may open the upload to others: it is not to be read in the database.
    expect(stopped?.resume).not.toBeNull();
    expect(Buffer.from(stopped?.resume ?? '', 'base64').toString('latin1')).not.toContain('50000');

    holdAt = null;
    const { db, stores, trust, documents, masterKey, folder } = center;
    const next = createReconciler({
      ...{ db, stores, trust, documents, masterKey },
      stagingFolder: `${folder}/staging`,
      clock: Date.now,
      logger: silentLogger,
      onPulse: () => undefined,
      onEvent: () => undefined,
    });
    onTestFinished(() => next.stop());
    await next.start();
    await eventually(async () => (await replica())?.status === 'verified', { what: 'the copy' });
    expect(sent).toEqual([0, 50_000]);
    expect(await replica()).toMatchObject({ resume: null, error: null });
    const copy = await readFile(`${region.path}/${storeKeys.pack(build.packDigest)}`);
    expect(copy.equals(await readFile(`${center.home}/store/${storeKeys.pack(build.packDigest)}`))).toBe(true);
    // Every byte of the pack once; what lies beside it comes on top, and is small.
    const { bytesSent } = await sumTraffic(center.db, region.id, Date.now(), 1);
    expect(bytesSent).toBeGreaterThanOrEqual(100_000);
    expect(bytesSent).toBeLessThan(110_000);
  });

  it('begins anew where what was kept cannot be opened', async () => {
    const sent: number[] = [];
    const center = await startControlCenter({ aroundRegion: store => resumable(store, sent, () => null) });
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await updateRegion(center.db, region.id, { paused: 1 });
    await center.reconciler.start();
    const replica = () => findReplica(center.db, build.packDigest, region.id);
    await eventually(replica, { what: 'the row' });
    const foreign = Buffer.from('sealed under another master key').toString('base64');
    await center.db.updateTable('replicas').set({ resume: foreign }).execute();
    await updateRegion(center.db, region.id, { paused: 0 });
    await eventually(async () => (await replica())?.status === 'verified', { what: 'the copy' });
    expect(sent).toEqual([0]);
  });
});

describe('a region whose first copy fails', () => {
  it('is tried with one copy, and with all of them when that arrived', async () => {
    let aheadMs = 0;
    let isDown = true;
    const center = await startControlCenter({
      clock: () => Date.now() + aheadMs,
      aroundRegion: store =>
        faulty(store, () => (isDown ? () => Promise.reject(new DomainError('store.forbidden', 'No.')) : null)),
    });
    const region = await center.addRegion('eu');
    const { repositoryId } = await center.addChannel();
    const builds: { readonly packDigest: string }[] = [];
    for (let count = 0; count < 4; count += 1) builds.push(await center.publishBuild(repositoryId));
    const statuses = async () =>
      Promise.all(builds.map(async ({ packDigest }) => (await findReplica(center.db, packDigest, region.id))?.status));
    await center.reconciler.start();
    await eventually(async () => (await statuses()).includes('failed'), { what: 'a failed copy' });
    const tried = (await statuses()).filter(status => status !== 'pending').length;
    expect(tried).toBeLessThanOrEqual(2);
    isDown = false;
    aheadMs = 60 * 60_000;
    await eventually(async () => (await statuses()).every(status => status === 'verified'), { what: 'all copies' });
  });
});
