import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../src-main/compose.ts';
import { storeKeys } from '../../src-main/contract/documents.ts';
import { listBuilds } from '../../src-main/database/builds.ts';
import { findReplica, listRegions, updateRegion } from '../../src-main/database/regions.ts';
import { addRegion } from '../../src-main/host/region-actions.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { pipeline } from '../support/builds.ts';
import { eventually } from '../support/eventually.ts';
import { makeTestAccount } from '../support/gcs-server/credentials.ts';
import { startGcsServer } from '../support/gcs-server/gcs-server.ts';
import { git } from '../support/git-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const account = makeTestAccount('slipway@team.iam.gserviceaccount.com', 'universe.test');

/** An engine whose main store is the bucket `main-store` of a Google server, with one worker and a repository of `files`. */
async function engineOnBucket(
  files: Readonly<Record<string, string | Uint8Array>>,
  buckets: readonly string[] = [],
  root?: string,
) {
  const folder = root ?? (await scratchFolder());
  const gcs = await startGcsServer({ buckets: ['main-store', ...buckets], account });
  onTestFinished(() => gcs.stop());
  const start = (workers: number) =>
    startEngine({
      dataFolder: `${folder}/data`,
      host: 'headless',
      launcher: createNodeLauncher(),
      logger: silentLogger,
      workers,
      pollIntervalMs: 100,
    });
  const urlOf = (bucket: string) => `gs://${bucket}?endpoint=${encodeURIComponent(gcs.url)}`;
  const access = { kind: 'service-account', json: account.json } as const;

  const first = await start(0);
  const storeUrl = urlOf('main-store');
  const [main] = await listRegions(first.db);
  await updateRegion(first.db, main?.id ?? '', { storeUrl });
  await first.accesses.set(storeUrl, access);
  await first.stop();

  const engine = await start(1);
  onTestFinished(() => engine.stop());
  const source = `${folder}/source`;
  await mkdir(source);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  for (const [name, content] of Object.entries(files)) await writeFile(`${source}/${name}`, content);
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'One');

  /** Adds the repository, and gives its build. */
  async function build() {
    await engine.repositories.add({ url: source });
    return eventually(async () => (await listBuilds(engine.db, { limit: 1 }))[0] ?? false, { what: 'the build' });
  }
  return { gcs, engine, urlOf, access, build };
}

it('gives workers the credentials of a main store in a bucket, and builds nothing of them to see', async () => {
  const root = await scratchFolder();
  // The step keeps what it sees of the environment and of the command lines above it.
  const look = `cat /proc/$PPID/cmdline /proc/$PPID/environ /proc/self/environ > ${root}/seen 2>/dev/null; true`;
  const files = { 'app.txt': 'one', 'slipway.yml': `isolation: none\n${pipeline(look)}artifact: [app.txt]\n` };
  const { gcs, build } = await engineOnBucket(files, [], root);
  const { packDigest } = await build();
  expect(gcs.object('main-store', storeKeys.pack(packDigest))?.metadata.sha256).toBe(packDigest);
  const seen = await readFile(`${root}/seen`, 'latin1');
  if (process.platform === 'linux') expect(seen).toContain('PATH=');
  expect(seen).not.toContain('PRIVATE KEY');
});

it('sends a build once to the main store, and nothing of it again to five regions of the same provider', async () => {
  const regions = ['region-eu', 'region-us', 'region-asia', 'region-africa', 'region-oceania'];
  // Not to be compressed, and larger than one request takes.
  const content = randomBytes(12 * 1024 * 1024);
  const files = { 'app.bin': content, 'slipway.yml': `isolation: none\n${pipeline('true')}artifact: [app.bin]\n` };
  const { gcs, engine, urlOf, access, build } = await engineOnBucket(files, regions);
  const ids: string[] = [];
  for (const name of regions) {
    const place = { name, location: '', latitude: 1, longitude: 1 };
    ids.push((await addRegion(engine, { ...place, storeUrl: urlOf(name), access })).id);
  }
  const { packDigest, sizeBytes } = await build();
  for (const id of ids) {
    await eventually(async () => (await findReplica(engine.db, packDigest, id))?.status === 'verified', {
      what: 'a verified copy in each region',
    });
  }
  await gcs.atRest();
  expect(sizeBytes).toBeGreaterThan(content.length);
  const key = storeKeys.pack(packDigest);
  for (const name of regions) expect(gcs.object(name, key)?.sizeBytes).toBe(sizeBytes);
  // Beside the pack itself go small documents: trust, record, file list, torrent, bill of materials.
  const documentsBytes = gcs.receivedBytes() - sizeBytes;
  expect(documentsBytes).toBeGreaterThan(0);
  expect(documentsBytes).toBeLessThan(0.01 * sizeBytes);
  for (const name of regions) expect(gcs.receivedBytes(name)).toBeLessThan(20_000);
});
