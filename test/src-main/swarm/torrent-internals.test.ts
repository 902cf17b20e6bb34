/** Checks what the swarm takes from inside webtorrent, with two clients of it in this process: a new version that lacks it fails here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type WebTorrent from 'webtorrent';
import type { Torrent, Wire } from 'webtorrent';
import { listeningPort, openTorrentClient } from '../../../src-main/swarm/torrent-client.ts';
import {
  assembleOncePerMessage,
  checkDone,
  hasEncryptedHandshake,
  markVerified,
  unsentBytes,
} from '../../../src-main/swarm/torrent-internals.ts';
import { createPack } from '../../support/swarm-fixtures.ts';

async function openClient(): Promise<WebTorrent> {
  const client = await openTorrentClient(
    { port: 0, listenHost: '127.0.0.1', uploadLimitBytesPerSecond: null, downloadLimitBytesPerSecond: null },
    error => {
      throw error;
    },
  );
  onTestFinished(() => new Promise<void>(resolve => client.destroy(() => resolve())));
  return client;
}

async function folderWith(name: string, bytes: Uint8Array | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-internals-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  if (bytes !== null) await writeFile(join(folder, name), bytes);
  return folder;
}

const ready = (torrent: Torrent) => new Promise<void>(resolve => torrent.once('ready', () => resolve()));
const firstWire = (torrent: Torrent) =>
  new Promise<Wire>(resolve => torrent.once('wire', (wire: Wire) => resolve(wire)));

it('a connection shows its handshake and what it holds back, and takes a message that comes in parts', async () => {
  const pack = createPack(1024 * 1024);
  const [seeder, leecher] = [await openClient(), await openClient()];
  const [full, empty] = [await folderWith(pack.name, pack.bytes), await folderWith(pack.name, null)];
  const seeding = seeder.add(pack.torrent, { path: full, skipVerify: true });
  const loading = leecher.add(pack.torrent, { path: empty, deselect: true });
  await Promise.all([ready(seeding), ready(loading)]);
  const met = firstWire(loading).then(wire => {
    assembleOncePerMessage(wire);
    return wire;
  });
  loading.addPeer(`127.0.0.1:${listeningPort(seeder)}`);
  const wire = await met;
  expect(hasEncryptedHandshake(wire)).toBe(true);
  expect(unsentBytes(wire)).toBeGreaterThanOrEqual(0);
  await new Promise<void>(resolve => wire.once('unchoke', () => resolve()));
  // More than a socket gives at once, so that it comes in parts.
  const block = await new Promise<Uint8Array>((resolve, reject) =>
    wire.request(0, 0, 65_536, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );
  expect(pack.bytes.subarray(0, 65_536).equals(block)).toBe(true);
  // Neither side has a way to be found but the address that it was given.
  expect(process.getActiveResourcesInfo().filter(name => name.startsWith('UDP'))).toEqual([]);
});

it('a torrent takes pieces that it did not fetch itself, and is done with the last one', async () => {
  const pack = createPack(128 * 1024);
  const client = await openClient();
  const torrent = client.add(pack.torrent, { path: await folderWith(pack.name, null), deselect: true });
  await ready(torrent);
  const done = new Promise<void>(resolve => torrent.once('done', () => resolve()));
  expect(torrent.progress).toBe(0);
  markVerified(torrent, 0);
  checkDone(torrent);
  expect(torrent.done).toBe(false);
  markVerified(torrent, 1);
  checkDone(torrent);
  await done;
  expect(torrent.bitfield.get(1)).toBe(true);
  expect(torrent.progress).toBe(1);
});
