import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { seederKey, signSeeder } from '../../../src-main/releases/seeder-document.ts';
import { createSwarmClient, type SwarmClient } from '../../../src-main/swarm/swarm-client.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';

let at: Installation;
const swarms: SwarmClient[] = [];
afterEach(async () => {
  for (const swarm of swarms.splice(0)) await swarm.stop();
  await at.dispose();
});

function newSwarm(): SwarmClient {
  const swarm = createSwarmClient({
    launcher: createNodeLauncher(),
    logger: silentLogger,
    listen: { host: '127.0.0.1', port: 0 },
  });
  swarms.push(swarm);
  return swarm;
}

it('machines find each other in the store, and one that is new gets a pack from those that have it', async () => {
  at = await createInstallation();
  const { pointer, packBytes } = await at.publish(1, { 'data.txt': randomBytes(1_500_000).toString('base64') });
  const pack = pointer.packs[0];
  if (pack === undefined) throw new Error('no pack');

  const desk = newSwarm();
  await desk.start();
  const seedFolder = join(at.folder, 'seed');
  await mkdir(seedFolder);
  const packFile = at.store.localPath(storeKeys.pack(pack.digest)) ?? '';
  await writeFile(join(seedFolder, `${pack.digest}.tar.zst`), await readFile(packFile));
  const torrent = (await at.store.read(storeKeys.torrent(pack.digest), 1_000_000))?.bytes ?? new Uint8Array();
  await desk.seed({ torrent, folder: seedFolder, verified: true });
  const seeder = signSeeder(
    {
      type: 'slipway.seeder/v1',
      repositoryId: at.repositoryId,
      peers: [{ host: '127.0.0.1', port: desk.port ?? 0 }],
      seeding: [pack.infoHash],
      sequence: 1,
      reportedAtMs: 1,
    },
    at.release,
  );
  await at.store.put(seederKey(at.repositoryId, at.release.keyId), { kind: 'bytes', bytes: seeder });

  // Without the pack in the store, all of it must come from peers.
  await at.store.delete(storeKeys.pack(pack.digest));
  const first = await at.pairedAgent('web-1', { swarm: newSwarm() });
  const outcome = await first.agent.runOnce();
  expect(outcome).toMatchObject({ kind: 'activated', bytes: { peers: packBytes, region: 0, reuse: 0 } });

  await desk.stop();
  const second = await at.pairedAgent('web-2', { swarm: newSwarm() });
  expect(await second.agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { peers: packBytes, region: 0 } });
  expect(await at.currentFile(second.root, 'data.txt')).toBe(await at.currentFile(first.root, 'data.txt'));
});

it('a machine that waits for its turn in a rollout gives others what it has fetched', async () => {
  at = await createInstallation();
  const waiting = await at.pairedAgent('web-1', { swarm: newSwarm() });
  const first = await at.pairedAgent('web-2', { swarm: newSwarm() });
  const rollout = { machines: [first.machine.machineId] };
  const { pointer, packBytes } = await at.publish(
    1,
    { 'data.txt': randomBytes(500_000).toString('base64') },
    { rollout },
  );
  expect(await waiting.agent.runOnce()).toEqual({ kind: 'waiting', for: 'rollout' });
  await at.store.delete(storeKeys.pack(pointer.packs[0]?.digest ?? ''));
  const bytes = { peers: packBytes, region: 0, reuse: 0 };
  expect(await first.agent.runOnce()).toMatchObject({ kind: 'activated', bytes });
});

it('a machine without peers takes the pack from its store, through its own web seed', async () => {
  at = await createInstallation();
  const { packBytes } = await at.publish(1, { 'data.txt': randomBytes(500_000).toString('base64') });
  const { agent } = await at.pairedAgent('web-1', { swarm: newSwarm() });
  expect(await agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { peers: 0, region: packBytes } });
});

it('a machine whose swarm cannot start takes the pack from its store', async () => {
  at = await createInstallation();
  const broken = createSwarmClient({
    launcher: createNodeLauncher({ pathOf: () => join(at.folder, 'no-such-program.js') }),
    logger: silentLogger,
    listen: { host: '127.0.0.1', port: 0 },
  });
  swarms.push(broken);
  const { packBytes } = await at.publish(1, { 'app.txt': 'one' });
  const { agent } = await at.pairedAgent('web-1', { swarm: broken });
  expect(await agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { region: packBytes } });
});
