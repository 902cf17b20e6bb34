/** Checks that other clients download a pack from a Slipway seeder with the torrent that is made for them, over the encrypted handshake. */
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAnnounce, torrentTokenMs } from '../../../src-main/swarm/announce-token.ts';
import { type Announcer, createAnnouncer } from '../../../src-main/swarm/announcer.ts';
import { completeTorrent } from '../../../src-main/swarm/metainfo.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { downloadWith, isInstalled } from '../../support/foreign-clients.ts';
import { newSigner } from '../../support/signed-protocol.ts';
import { createPack, createSwarmBench, sha256OfFile, whenStats } from '../../support/swarm-fixtures.ts';

/** Transmission takes no peer at 127.0.0.1 for one: all of it stays on this machine all the same. */
const own = Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const timeoutMs = 40_000;

let bench: Awaited<ReturnType<typeof createSwarmBench>>;
let announcer: Announcer | null = null;
let torrentFile = '';
const pack = createPack(3 * 1024 * 1024 + 5);
const controlCenter = newSigner();

beforeAll(async () => {
  bench = await createSwarmBench();
  if (own === undefined) return;
  const { client } = await bench.startSwarm(own);
  const folder = await bench.subfolder('seeder');
  await bench.writePack(folder, pack);
  await client.seed({ torrent: pack.torrent, folder, verified: true });
  client.setTracker({ port: 0, keys: { machines: [], controlCenters: [controlCenter.publicKey] } });
  await whenStats(client, () => client.trackerPort !== null);
  const tracker = `http://${own}:${client.trackerPort}/announce`;
  announcer = createAnnouncer({
    signer: controlCenter,
    port: () => client.port,
    packs: () => [{ infoHash: pack.infoHash, leftBytes: 0 }],
    trackers: async () => [tracker],
    onPeers: () => undefined,
    now: Date.now,
    logger: silentLogger,
  });
  announcer.start();
  const { infoHash } = pack;
  const token = signAnnounce({ infoHash, port: 0, expiresAtMs: Date.now() + torrentTokenMs }, controlCenter);
  torrentFile = join(bench.folder, 'pack.torrent');
  // A client that has no answer from a web seed goes on with its peers.
  const webSeeds = [`http://${own}:1/${pack.name}`];
  await writeFile(torrentFile, completeTorrent(pack.torrent, { trackers: [`${tracker}?token=${token}`], webSeeds }));
});
afterAll(async () => {
  await announcer?.stop();
  await bench.dispose();
});

describe('a foreign client', () => {
  for (const client of ['aria2', 'Transmission', 'libtorrent'] as const) {
    it.skipIf(own === undefined || !isInstalled(client))(
      `${client} downloads from a Slipway seeder`,
      async () => {
        const folder = await bench.subfolder(client);
        await downloadWith(client, torrentFile, folder);
        expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
      },
      timeoutMs,
    );
  }
});
