/** Checks that other clients download a pack from a Slipway seeder with the torrent that is made for them, over the encrypted handshake. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { signAnnounce, torrentTokenMs } from '../../../src-main/swarm/announce-token.ts';
import { type Announcer, createAnnouncer } from '../../../src-main/swarm/announcer.ts';
import { completeTorrent } from '../../../src-main/swarm/metainfo.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { newSigner } from '../../support/signed-protocol.ts';
import { createPack, createSwarmBench, sha256OfFile, whenStats } from '../../support/swarm-fixtures.ts';

const has = (program: string, args: readonly string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
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

/** Runs a client to its end, or to the line of its output that says that it has all; it is ended then. */
function run(command: string, args: readonly string[], done: RegExp | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: bench.folder },
    });
    let said = '';
    const hear = (text: string): void => {
      said = (said + text).slice(-8_000);
      if (done?.test(said)) child.kill('SIGKILL');
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    onTestFinished(() => void child.kill('SIGKILL'));
    child.once('error', reject);
    child.once('close', code => {
      if (code === 0 || done?.test(said)) resolve(said);
      else reject(new Error(`${command} ended with ${code}: ${said}`));
    });
  });
}

const libtorrentProgram = `
import sys, time, libtorrent
session = libtorrent.session({
    'listen_interfaces': '0.0.0.0:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'out_enc_policy': 0, 'in_enc_policy': 0, 'allowed_enc_level': 3, 'enable_outgoing_utp': False,
    'allow_multiple_connections_per_ip': True,
})
handle = session.add_torrent({'ti': libtorrent.torrent_info(sys.argv[1]), 'save_path': sys.argv[2]})
while not handle.status().is_seeding:
    time.sleep(0.05)
handle.flush_cache()
session.pause()
print('whole', flush=True)
`;

describe('a foreign client', () => {
  const why = own === undefined;

  it.skipIf(why || !has('aria2c', ['--version']))(
    'aria2 downloads from a Slipway seeder',
    async () => {
      const folder = await bench.subfolder('aria2');
      const args = ['--no-conf', '--dir', folder, '--enable-dht=false', '--bt-enable-lpd=false', '--seed-time=0'];
      await run('aria2c', [...args, '--bt-require-crypto=true', '--file-allocation=none', torrentFile], null);
      expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    },
    timeoutMs,
  );

  it.skipIf(why || !has('transmission-cli', ['--version']))(
    'Transmission downloads from a Slipway seeder',
    async () => {
      const folder = await bench.subfolder('transmission');
      const config = await bench.subfolder('transmission-config');
      // With uTP on, it tries that first, and TCP much later.
      await writeFile(
        join(config, 'settings.json'),
        '{"utp-enabled": false, "dht-enabled": false, "lpd-enabled": false}',
      );
      const args = ['--config-dir', config, '--download-dir', folder, '--encryption-required', '--no-portmap'];
      await run('transmission-cli', [...args, torrentFile], /Seeding, uploading/);
      expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    },
    timeoutMs,
  );

  it.skipIf(why || !has('/usr/bin/python3', ['-c', 'import libtorrent']))(
    'libtorrent downloads from a Slipway seeder',
    async () => {
      const folder = await bench.subfolder('libtorrent');
      await run('/usr/bin/python3', ['-c', libtorrentProgram, torrentFile, folder], /^whole$/m);
      expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    },
    timeoutMs,
  );
});
