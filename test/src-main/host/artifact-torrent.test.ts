/** Checks the complete torrent of an artifact: other clients fetch the pack from the region's store by its signed URL alone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src-main/engine.ts';
import { completeTorrentOf } from '../../../src-main/host/artifact-torrent.ts';
import { addRegion } from '../../../src-main/host/region-actions.ts';
import { addRepository } from '../../support/database-fixtures.ts';
import { startTestHost } from '../../support/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { downloadWith, isInstalled } from '../../support/foreign-clients.ts';
import { makeTestAccount } from '../../support/gcs-server/credentials.ts';
import { startGcsServer } from '../../support/gcs-server/gcs-server.ts';
import { publishBuild } from '../../support/published-build.ts';
import { s3Access, startS3Server } from '../../support/s3-server.ts';
import { sha256OfFile } from '../../support/swarm-fixtures.ts';

const onEnd = endsWithFile();
const timeoutMs = 60_000;
let engine: Engine;
let folder = '';
let build: Awaited<ReturnType<typeof publishBuild>>;

beforeAll(async () => {
  const started = await startTestHost(onEnd);
  ({ engine, folder } = started);
  const account = makeTestAccount('slipway@team.iam.gserviceaccount.com', 'universe.test');
  const [s3, gcs] = await Promise.all([
    startS3Server({ buckets: ['team'] }),
    startGcsServer({ buckets: ['team'], account }),
  ]);
  onEnd(() => s3.stop());
  onEnd(() => gcs.stop());
  const of = { db: engine.db, main: engine.stores.main, release: engine.keyring.release };
  build = await publishBuild(of, await addRepository(engine.db), 1_500_001);
  const place = { location: '', latitude: 1, longitude: 1 };
  await addRegion(engine, {
    ...{ ...place, name: 'Amazon', storeUrl: `s3://team/a?endpoint=${encodeURIComponent(s3.endpoint)}` },
    access: s3Access,
  });
  await addRegion(engine, {
    ...{ ...place, name: 'Google', storeUrl: `gs://team/a?endpoint=${encodeURIComponent(gcs.url)}` },
    access: { kind: 'service-account', json: account.json },
  });
  await mkdir(`${folder}/near`);
  await addRegion(engine, { ...place, name: 'Near', storeUrl: `${folder}/near` });
  engine.reconciler.signal();
  for (const region of ['Amazon', 'Google']) {
    await eventually(async () => (await completeTorrentOf(engine, build.artifactId, region)).hasWebSeed, {
      what: `the copy in ${region}`,
    });
  }
});

/** The torrent of the build with `region`'s object as its only source, in a folder of its own. */
async function torrentFrom(region: string, client: string) {
  const { content, ...facts } = await completeTorrentOf(engine, build.artifactId, region);
  const own = join(folder, `${region}-${client}`);
  await mkdir(own);
  const file = join(own, 'app.torrent');
  await writeFile(file, Buffer.from(content, 'base64'));
  return { own, file, facts };
}

describe('a foreign client without a peer', () => {
  for (const client of ['aria2', 'Transmission', 'libtorrent'] as const) {
    for (const region of ['Amazon', 'Google']) {
      it.skipIf(!isInstalled(client))(
        `${client} downloads from the signed URL of ${region}`,
        async () => {
          const { own, file, facts } = await torrentFrom(region, client);
          expect(facts).toMatchObject({ trackers: 0, hasWebSeed: true, noWebSeed: null });
          await downloadWith(client, file, own);
          expect(await sha256OfFile(join(own, facts.name))).toBe(build.packDigest);
        },
        timeoutMs,
      );
    }
  }
});

/** At the server of Google, which checks them: s3rver looks at no signature of this version in a query. */
it('the signature is what opens the object, by the range that is asked for', async () => {
  const { content } = await completeTorrentOf(engine, build.artifactId, 'Google');
  const [, url = ''] = /8:url-listl\d+:(http.*)ee$/s.exec(Buffer.from(content, 'base64').toString('latin1')) ?? [];
  const range = await fetch(url, { headers: { range: 'bytes=10-19' } });
  expect([range.status, (await range.arrayBuffer()).byteLength]).toEqual([206, 10]);
  const [address = '', query = ''] = url.split('?');
  const forged = await fetch(`${address}?${query.replace(/Signature=..../, 'Signature=0000')}`);
  expect(forged.status).toBe(403);
});

it('names a region that is not there, and is not made where it would lead nowhere', async () => {
  await expect(completeTorrentOf(engine, build.artifactId, 'Mars')).rejects.toMatchObject({ code: 'not_found' });
  await expect(completeTorrentOf(engine, 'a'.repeat(64), 'Near')).rejects.toMatchObject({ code: 'not_found' });
  const nowhere = expect(completeTorrentOf(engine, build.artifactId, 'Near')).rejects;
  await nowhere.toMatchObject({ code: 'swarm.no_source', message: expect.stringContaining('swarm.trackerPort') });
});
