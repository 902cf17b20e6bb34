/** Owns one machine of a swarm bench, in a process of its own: a real swarm process, which seeds or downloads as an agent does. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Launcher } from '../../../src-main/process/launcher.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { parseMetainfo } from '../../../src-main/swarm/metainfo.ts';
import { createSwarmClient } from '../../../src-main/swarm/swarm-client.ts';
import { type Logger, silentLogger } from '../../../src-main/telemetry/logger.ts';
import { commandSchema, type MachineAnswer, type MachineCommand, settingsSchema } from './machine-messages.ts';
import { usageOf } from './usage.ts';

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const answer = (value: MachineAnswer) => process.stdout.write(`${JSON.stringify(value)}\n`);
const toStderr = (event: string, fields?: object) => console.error(settings.address, event, fields ?? '');
const logger: Logger = { ...silentLogger, warn: toStderr, error: toStderr };

let swarmPid: number | undefined;
const nodeLauncher = createNodeLauncher();
const launcher: Launcher = {
  launch: (entry, options) => {
    const { profileFolder } = settings;
    const launched = nodeLauncher.launch(entry, {
      ...options,
      variables: profileFolder === null ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileFolder}` },
    });
    swarmPid = launched.pid;
    return launched;
  },
};
const client = createSwarmClient({
  launcher,
  logger,
  listen: { host: settings.address, port: settings.port },
});
const torrent = readFileSync(settings.torrentFile);
const { name } = parseMetainfo(torrent, null);

async function download(peers: Extract<MachineCommand, { type: 'go' }>['peers']): Promise<void> {
  await client.download({ torrent, folder: settings.folder, peers, webSeeds: [] });
  const digest = await sha256Of(join(settings.folder, name));
  if (`${digest}.tar.zst` !== name) throw new Error(`The pack has digest ${digest}.`);
  answer({ type: 'done' });
}

const fail = (error: unknown) =>
  answer({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });

const stop = () => void client.stop().then(() => process.exit(0));
createInterface({ input: process.stdin })
  .on('line', line => {
    const command = commandSchema.parse(JSON.parse(line));
    if (command.type === 'go') download(command.peers).catch(fail);
    else if (command.type === 'usage') {
      const uploadedBytes = client.stats().torrents[0]?.uploadedBytes ?? 0;
      answer({ type: 'usage', ...usageOf(swarmPid), uploadedBytes });
    } else stop();
  })
  .on('close', stop);

try {
  await client.start();
  client.setLimits({
    uploadBytesPerSecond: settings.uploadBytesPerSecond,
    downloadBytesPerSecond: settings.downloadBytesPerSecond,
  });
  if (settings.role === 'seed') await client.seed({ torrent, folder: settings.folder, verified: true });
  answer({ type: 'ready', port: client.port ?? 0 });
} catch (error) {
  fail(error);
}
