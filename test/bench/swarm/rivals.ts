/** Owns the other sides of the swarm bench: aria2 with a tracker of its own, and plain HTTP to every machine. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Server as TrackerServer } from 'bittorrent-tracker';
import type { MachineLink } from './network.ts';
import { spawnIn } from './our-swarm.ts';
import type { BenchPack } from './pack.ts';
import { usageOf } from './usage.ts';

/** Against runs of many seconds. */
const lookEveryMs = 20;

export interface RivalRun {
  readonly seconds: number;
  readonly seederCpuSeconds: number;
  readonly machinesCpuSeconds: number;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'close');
  child.kill('SIGKILL');
  await exited;
}

/** The first group of the first line of output that matches. */
function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('The program has no output.'));
    createInterface({ input: child.stdout }).on('line', line => {
      const [, found] = pattern.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('close', code => reject(new Error(`The program ended with ${code} before it said ${pattern}.`)));
  });
}

/** Why aria2 cannot be run, or null. */
export function whyNoAria2(): string | null {
  const { error } = spawnSync('aria2c', ['--version'], { stdio: 'ignore' });
  return error === undefined ? null : 'it is not installed (apt-get install aria2)';
}

async function fileAppears(path: string): Promise<void> {
  while (!existsSync(path)) await delay(lookEveryMs);
}

/** A torrent with a tracker, which aria2 needs to find anybody: the same pieces under one more key. */
async function torrentWithTracker(pack: BenchPack, announce: string, file: string): Promise<void> {
  const plain = await readFile(pack.torrentFile, 'latin1');
  await writeFile(file, `d8:announce${announce.length}:${announce}${plain.slice(1)}`, 'latin1');
}

/** aria2 with its own defaults, but for what a swarm of one private torrent needs: a fast tracker, and seeding on at the end. */
export async function runAria2(
  pack: BenchPack,
  links: readonly MachineLink[],
  hostAddress: string,
  folder: string,
): Promise<RivalRun> {
  const tracker = new TrackerServer({ udp: false, ws: false, http: true, stats: false, interval: 2_000 });
  const listening = once(tracker, 'listening');
  tracker.listen(0, hostAddress);
  await listening;
  const children: ChildProcess[] = [];
  try {
    const torrentFile = join(folder, 'tracked.torrent');
    const listener = tracker.http.address();
    if (listener === null || typeof listener === 'string') throw new Error('The tracker has no port.');
    const { port } = listener;
    await torrentWithTracker(pack, `http://${hostAddress}:${port}/announce`, torrentFile);
    // aria2 says nothing when it goes from loading to seeding, but calls a program: `PROGRAM GID COUNT PATH`.
    const hook = join(folder, 'completed.sh');
    await writeFile(hook, '#!/bin/sh\n: > "$3.completed"\n', { mode: 0o755 });
    const start = async (link: MachineLink, index: number) => {
      const own = index === 0 ? pack.folder : join(folder, `aria2-${index}`);
      await mkdir(own, { recursive: true });
      const child = spawnIn(link.namespace, 'aria2c', [
        ...['--no-conf', '--dir', own, '--listen-port', '6882', '--enable-dht=false', '--seed-ratio=0'],
        ...(index === 0 ? ['--check-integrity=true'] : []),
        ...['--bt-tracker-interval=1', '--file-allocation=none', '--summary-interval=0'],
        ...['--console-log-level=notice', '--enable-color=false', '--on-bt-download-complete', hook, torrentFile],
      ]);
      children.push(child);
      return child;
    };
    const [seederLink, ...rest] = links;
    if (seederLink === undefined) throw new Error('The swarm has no seeder.');
    const announced = once(tracker, 'start');
    const seeder = await start(seederLink, 0);
    await announced;
    const seederBefore = usageOf(seeder.pid).cpuSeconds;
    const startedAtMs = performance.now();
    const machines = await Promise.all(rest.map((link, index) => start(link, index + 1)));
    await Promise.all(
      machines.map((_, index) => fileAppears(join(folder, `aria2-${index + 1}`, `${pack.name}.completed`))),
    );
    const seconds = (performance.now() - startedAtMs) / 1_000;
    return {
      seconds,
      seederCpuSeconds: usageOf(seeder.pid).cpuSeconds - seederBefore,
      machinesCpuSeconds: machines.reduce((sum, child) => sum + usageOf(child.pid).cpuSeconds, 0),
    };
  } finally {
    await Promise.all(children.map(end));
    const closed = new Promise<void>(resolve => tracker.close(() => resolve()));
    tracker.http.closeAllConnections();
    await closed;
    for (const index of links.keys()) await rm(join(folder, `aria2-${index}`), { recursive: true, force: true });
  }
}

const serverProgram = `
import { createServer } from 'node:http';
import { createReadStream } from 'node:fs';
const [file, host] = process.argv.slice(1);
const server = createServer((request, response) => createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response));
server.listen(0, host, () => console.log('port ' + server.address().port));
`;

export interface FileServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** A plain HTTP server of one file, in a process of its own. */
export async function startFileServer(namespace: string | null, file: string, address: string): Promise<FileServer> {
  const args = ['--input-type=module', '--eval', serverProgram, file, address];
  const server = spawnIn(namespace, process.execPath, args);
  try {
    const port = await firstMatch(server, /^port (\d+)$/);
    return { url: `http://${address}:${port}/`, stop: () => end(server) };
  } catch (error) {
    await end(server);
    throw error;
  }
}

/** Every machine reads the whole pack from the first: what a deploy is without a swarm. */
export async function runPlainHttp(pack: BenchPack, links: readonly MachineLink[], folder: string): Promise<number> {
  const [source, ...machines] = links;
  if (source === undefined) throw new Error('There is no machine to read from.');
  const server = await startFileServer(source.namespace, pack.file, source.address);
  try {
    const startedAtMs = performance.now();
    await Promise.all(
      machines.map(async (link, index) => {
        const out = join(folder, `http-${index}`);
        const child = spawnIn(link.namespace, 'curl', ['-sf', '-o', out, server.url]);
        const [code] = await once(child, 'close');
        if (code !== 0) throw new Error(`curl ended with ${code}.`);
        await rm(out);
      }),
    );
    return (performance.now() - startedAtMs) / 1_000;
  } finally {
    await server.stop();
  }
}
