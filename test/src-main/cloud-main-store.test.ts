import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../src-main/compose.ts';
import { storeKeys } from '../../src-main/contract/documents.ts';
import { listBuilds } from '../../src-main/database/builds.ts';
import { listRegions, updateRegion } from '../../src-main/database/regions.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { pipeline } from '../support/builds.ts';
import { eventually } from '../support/eventually.ts';
import { makeTestAccount } from '../support/gcs-server/credentials.ts';
import { startGcsServer } from '../support/gcs-server/gcs-server.ts';
import { git } from '../support/git-server.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const account = makeTestAccount('slipway@team.iam.gserviceaccount.com', 'universe.test');

it('gives workers the credentials of a main store in a bucket, and builds nothing of them to see', async () => {
  const root = await scratchFolder();
  const gcs = await startGcsServer({ buckets: ['main-store'], account });
  onTestFinished(() => gcs.stop());
  const start = (workers: number) =>
    startEngine({
      dataFolder: `${root}/data`,
      host: 'headless',
      launcher: createNodeLauncher(),
      logger: silentLogger,
      workers,
      pollIntervalMs: 100,
    });

  const first = await start(0);
  const storeUrl = `gs://main-store?endpoint=${encodeURIComponent(gcs.url)}`;
  const [main] = await listRegions(first.db);
  await updateRegion(first.db, main?.id ?? '', { storeUrl });
  await first.accesses.set(storeUrl, { kind: 'service-account', json: account.json });
  await first.stop();

  const engine = await start(1);
  onTestFinished(() => engine.stop());
  const source = `${root}/source`;
  await mkdir(source);
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await writeFile(`${source}/app.txt`, 'one');
  // The step keeps what it sees of the environment and of the command lines above it.
  const look = `cat /proc/$PPID/cmdline /proc/$PPID/environ /proc/self/environ > ${root}/seen 2>/dev/null; true`;
  await writeFile(`${source}/slipway.yml`, `isolation: none\n${pipeline(look)}artifact: [app.txt]\n`);
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'One');
  await engine.repositories.add({ url: source });

  const [build] = await eventually(async () => {
    const builds = await listBuilds(engine.db, { limit: 1 });
    return builds.length > 0 && builds;
  });
  expect(build).toBeDefined();
  expect(gcs.object('main-store', storeKeys.pack(build?.packDigest ?? ''))?.metadata.sha256).toBe(build?.packDigest);
  const seen = await readFile(`${root}/seen`, 'latin1');
  if (process.platform === 'linux') expect(seen).toContain('PATH=');
  expect(seen).not.toContain('PRIVATE KEY');
});
