/** Owns regions that lack nothing, many of them, and what keeping them so takes: processor time, and calls of their stores. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { inTransaction } from '../../../src-main/database/open-database.ts';
import { insertRegion } from '../../../src-main/database/regions.ts';
import { documentKeys, versionsOf } from '../../../src-main/replication/pack-documents.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { faulty } from '../../support/blob-stores.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addBuild } from '../../support/database-fixtures.ts';
import { withEnds } from './ends.ts';

export interface Rest {
  readonly sharePercent: number;
  /** What it is made of: looks, documents and audit; and working out what should be where, counted ten times too often below a minute. */
  readonly parts: { readonly always: number; readonly atTimes: number };
  readonly lists: number;
  readonly headsPerMinute: number;
  readonly packReads: number;
}

const calls = { lists: 0, heads: 0, packReads: 0 };

/** The main store's folder serves all regions, so that a million files need not be written; each call is counted. */
function counted(store: BlobStore, url: string): BlobStore {
  const bound = faulty(store, () => null);
  return {
    ...bound,
    url,
    head: key => {
      calls.heads += 1;
      return bound.head(key);
    },
    get: (key, options) => {
      if (key.endsWith('.tar.zst')) calls.packReads += 1;
      return bound.get(key, options);
    },
    list: prefix => {
      calls.lists += 1;
      return bound.list(prefix);
    },
  };
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Processor time of `work`, in milliseconds: of every thread, the database's too. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = cpuMs();
  await work();
  return cpuMs() - before;
}

/** All that should be everywhere is there and proven, as after a day of rest. */
export async function restingRegions(size: {
  readonly repositories: number;
  readonly regions: number;
  readonly versions: number;
  readonly seconds: number;
}): Promise<Rest> {
  return withEnds(async onEnd => {
    const center = await startControlCenter({
      onEnd,
      inThread: true,
      around: store => counted(store, store.url),
      aroundRegion: (_store, region) => counted(center.main, region.storeUrl),
    });
    const { db, main } = center;
    const root = `${center.home}/store`;
    for (let repository = 0; repository < size.repositories; repository += 1) {
      const channel = await center.addChannel();
      for (let version = 0; version < size.versions; version += 1) {
        const build = await addBuild(db, channel.repositoryId, { sizeBytes: 7 });
        const keys = [
          storeKeys.pack(build.packDigest),
          ...(await documentKeys(db, { ...build, digest: build.packDigest })),
        ];
        for (const key of keys) {
          await mkdir(dirname(`${root}/${key}`), { recursive: true });
          await writeFile(`${root}/${key}`, 'content');
        }
        if (version < size.versions - 1) continue;
        await center.releases.release({ channel, build, kind: 'promote', reason: null });
      }
    }
    const now = Date.now();
    const seen: { readonly digest: string; readonly pack: string | null; readonly documents: string }[] = [];
    for (const pack of await db.selectFrom('packs').selectAll().execute()) {
      const head = await main.head(storeKeys.pack(pack.digest));
      const documents = await versionsOf(main, await documentKeys(db, pack));
      seen.push({ digest: pack.digest, pack: head?.version ?? null, documents });
    }
    // At once, so that no look of the reconciler finds a part of it.
    await inTransaction(db, async transaction => {
      for (let index = 0; index < size.regions; index += 1) {
        await insertRegion(transaction, {
          ...{ id: uuidv7(), name: `region-${index}`, location: '', latitude: 1, longitude: 1, isMain: 0, paused: 0 },
          storeUrl: `${center.home}/region-${index}`,
          addedAt: now,
        });
      }
      await sql`INSERT INTO replicas (pack_digest, region_id, status, bytes_total, bytes_done, verified_at)
        SELECT digest, regions.id, 'verified', size_bytes, size_bytes, 1 FROM packs JOIN regions ON is_main = 0`.execute(
        transaction,
      );
      await sql`DELETE FROM audits`.execute(transaction);
      for (const { digest, pack, documents } of seen) {
        // Looked at in the course of a day, each at another time.
        await sql`INSERT INTO audits (region_id, pack_digest, pack_version, documents_version, looked_at, proven_at)
          SELECT id, ${digest}, ${pack}, ${documents}, ${now} - abs(random()) % 86400000, ${now} FROM regions`.execute(
          transaction,
        );
      }
    });
    await center.reconciler.start();
    // The first round makes every store's documents known.
    await delay(3_000);
    await center.documents.settle();
    Object.assign(calls, { lists: 0, heads: 0, packReads: 0 });
    // From a minute on the window holds what comes once a minute: documents, and the audit.
    const holdsMinute = size.seconds >= 60;
    const windowMs = await cpuOf(() => delay(size.seconds * 1_000));
    const headsOfWindow = calls.heads;
    // What should be where is worked out at signals, of which there are none at rest, and every ten minutes.
    const signalMs = await cpuOf(async () => {
      center.reconciler.signal();
      await delay(1_000);
      await center.documents.settle();
    });
    const auditMs = await cpuOf(() => center.reconciler.audit.tick());
    const ofWindow = windowMs / (size.seconds * 10);
    const parts = holdsMinute
      ? { always: ofWindow, atTimes: signalMs / 6_000 }
      : { always: ofWindow + auditMs / 600, atTimes: signalMs / 600 };
    return {
      sharePercent: parts.always + parts.atTimes,
      parts,
      lists: calls.lists,
      headsPerMinute: headsOfWindow * (60 / size.seconds),
      packReads: calls.packReads,
    };
  });
}
