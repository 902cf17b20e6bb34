/** Owns what swarm tests share: packs of random bytes with their torrents, and swarm clients whose processes can be killed. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchedProcess, Launcher } from '../../src-main/process/launcher.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { createMetainfo } from '../../src-main/swarm/metainfo.ts';
import { createSwarmClient, type SwarmClient, type SwarmStats } from '../../src-main/swarm/swarm-client.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';

export interface TestPack {
  readonly digest: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly torrent: Uint8Array;
  readonly infoHash: string;
}

export function createPack(sizeBytes: number, pieceLengthBytes = 64 * 1024): TestPack {
  const bytes = randomBytes(sizeBytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const name = `${digest}.tar.zst`;
  const pieces: Buffer[] = [];
  for (let start = 0; start < sizeBytes; start += pieceLengthBytes) {
    pieces.push(
      createHash('sha1')
        .update(bytes.subarray(start, start + pieceLengthBytes))
        .digest(),
    );
  }
  const made = createMetainfo({ name, sizeBytes, pieceLengthBytes, pieces: Buffer.concat(pieces) });
  return { digest, name, bytes, ...made };
}

export async function sha256OfFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

export interface TestSwarm {
  readonly client: SwarmClient;
  /** Every process that the client started, the newest last. */
  readonly processes: readonly LaunchedProcess[];
}

/** A temporary folder and swarm clients; `dispose` ends the processes and removes the files. */
export async function createSwarmBench(): Promise<{
  readonly folder: string;
  subfolder(name: string): Promise<string>;
  writePack(folder: string, pack: TestPack): Promise<string>;
  /** At 127.0.0.1 if `host` is left out. */
  startSwarm(host?: string): Promise<TestSwarm>;
  dispose(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-swarm-'));
  const swarms: TestSwarm[] = [];
  const subfolder = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    return path;
  };
  return {
    folder,
    subfolder,
    writePack: async (target, pack) => {
      const path = join(target, pack.name);
      await writeFile(path, pack.bytes);
      return path;
    },
    startSwarm: async (host = '127.0.0.1') => {
      const processes: LaunchedProcess[] = [];
      const nodeLauncher = createNodeLauncher();
      const launcher: Launcher = {
        launch: (entry, options) => {
          const launched = nodeLauncher.launch(entry, options);
          processes.push(launched);
          return launched;
        },
      };
      const client = createSwarmClient({ launcher, logger: silentLogger, listen: { host, port: 0 } });
      const swarm = { client, processes };
      swarms.push(swarm);
      await client.start();
      return swarm;
    },
    dispose: async () => {
      await Promise.all(swarms.map(swarm => swarm.client.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where a running client's peers connect. */
export function addressOf(client: SwarmClient): { host: string; port: number } {
  if (client.port === null) throw new Error('The swarm process is not listening.');
  return { host: '127.0.0.1', port: client.port };
}

/** Resolves at the first stats for which `holds`. */
export function whenStats(client: SwarmClient, holds: (stats: SwarmStats) => boolean): Promise<SwarmStats> {
  return new Promise(resolve => {
    if (holds(client.stats())) {
      resolve(client.stats());
      return;
    }
    const end = client.onStats(stats => {
      if (!holds(stats)) return;
      end();
      resolve(stats);
    });
  });
}
