/** Owns running other BitTorrent clients to their end: which are here, and how each is told to keep to one torrent. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type ForeignClient = 'aria2' | 'Transmission' | 'libtorrent';

const probes = {
  aria2: ['aria2c', '--version'],
  Transmission: ['transmission-cli', '--version'],
  libtorrent: ['/usr/bin/python3', '-c', 'import libtorrent'],
} as const satisfies Record<ForeignClient, readonly string[]>;

export function isInstalled(client: ForeignClient): boolean {
  const [command, ...args] = probes[client];
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** `ssrf_mitigation` is a rule about web seeds on the own machine and the local network: they may have no query, and so no signature. */
const libtorrentProgram = `
import sys, time, libtorrent
session = libtorrent.session({
    'listen_interfaces': '0.0.0.0:0', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'out_enc_policy': 0, 'in_enc_policy': 0, 'allowed_enc_level': 3, 'enable_outgoing_utp': False,
    'allow_multiple_connections_per_ip': True, 'ssrf_mitigation': False,
})
handle = session.add_torrent({'ti': libtorrent.torrent_info(sys.argv[1]), 'save_path': sys.argv[2]})
while not handle.status().is_seeding:
    time.sleep(0.05)
handle.flush_cache()
session.pause()
print('whole', flush=True)
`;

/** Runs a client to its end, or to the line of its output that says that it has all; it is ended then. */
function run(command: string, args: readonly string[], home: string, done: RegExp | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: home } });
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

/** Downloads what the torrent names into `folder`, which is the client's home too; peers are met over the encrypted handshake alone. */
export async function downloadWith(client: ForeignClient, torrentFile: string, folder: string): Promise<void> {
  switch (client) {
    case 'aria2': {
      const args = ['--no-conf', '--dir', folder, '--enable-dht=false', '--bt-enable-lpd=false', '--seed-time=0'];
      await run('aria2c', [...args, '--bt-require-crypto=true', '--file-allocation=none', torrentFile], folder, null);
      return;
    }
    case 'Transmission': {
      // With uTP on, it tries that first, and TCP much later.
      const settings = '{"utp-enabled": false, "dht-enabled": false, "lpd-enabled": false}';
      await writeFile(join(folder, 'settings.json'), settings);
      const args = ['--config-dir', folder, '--download-dir', folder, '--encryption-required', '--no-portmap'];
      await run('transmission-cli', [...args, torrentFile], folder, /Seeding, uploading/);
      return;
    }
    case 'libtorrent':
      await run('/usr/bin/python3', ['-c', libtorrentProgram, torrentFile, folder], folder, /^whole$/m);
      return;
    default:
      client satisfies never;
  }
}
