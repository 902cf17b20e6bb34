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
import { whenStats } from '../../support/swarm-fixtures.ts';

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

it('a machine gives nothing on battery, and does again on mains', async () => {
  at = await createInstallation();
  let onBattery = true;
  const rule = { onBattery: 'pause', onMetered: 'wait', network: { isMetered: async () => null } } as const;
  const thrift = { ...rule, power: { onBattery: async () => onBattery } };
  const { pointer, packBytes } = await at.publish(1, { 'data.txt': randomBytes(500_000).toString('base64') });
  const giver = newSwarm();
  const reports: (readonly string[])[] = [];
  const first = await at.pairedAgent('web-1', { swarm: giver, thrift });
  first.agent.onReport(report => reports.push(report.seeding));
  expect(await first.agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { peers: 0, region: packBytes } });
  expect(giver.stats().torrents).toEqual([]);
  expect(reports.flat()).toEqual([]);

  onBattery = false;
  await first.agent.runOnce();
  await whenStats(giver, stats => stats.torrents.length === 1);
  expect(reports.at(-1)).toEqual([pointer.packs[0]?.infoHash]);
  await at.store.delete(storeKeys.pack(pointer.packs[0]?.digest ?? ''));
  const second = await at.pairedAgent('web-2', { swarm: newSwarm() });
  expect(await second.agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { peers: packBytes, region: 0 } });
  onBattery = true;
  await first.agent.runOnce();
  await whenStats(giver, stats => stats.torrents.length === 0);
});

it('a machine on a metered link fetches nothing where it was told so, goes back all the same, and goes on afterwards', async () => {
  at = await createInstallation();
  let isMetered = false;
  const power = { onBattery: async () => true };
  const thrift = {
    onBattery: 'seed',
    onMetered: 'wait',
    power,
    network: { isMetered: async () => isMetered },
  } as const;
  const { agent, root } = await at.pairedAgent('web-1', { swarm: null, thrift });
  const one = await at.publish(1, { 'app.txt': 'one' });
  await agent.runOnce();
  await at.publish(2, { 'app.txt': 'two' });
  await agent.runOnce();
  isMetered = true;
  const messages: (string | null)[] = [];
  agent.onReport(report => messages.push(report.message));
  await at.publish(3, { 'app.txt': 'three' });
  expect(await agent.runOnce()).toEqual({ kind: 'waiting', for: 'thrift' });
  expect(messages.at(-1)).toMatch(/metered link/);
  expect(await at.currentFile(root, 'app.txt')).toBe('two');
  // What lies here costs nothing.
  await at.putPointer({ ...one.pointer, serial: 4 });
  expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 4, bytes: { peers: 0, region: 0 } });
  await at.publish(5, { 'app.txt': 'five' });
  expect(await agent.runOnce()).toEqual({ kind: 'waiting', for: 'thrift' });
  isMetered = false;
  expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 5 });
});
