/** Checks seeding and downloading with real swarm processes over real TCP on loopback. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, readlink, rename, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { entryPath } from '../../../src-main/process/entry-points.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { parseMetainfo } from '../../../src-main/swarm/metainfo.ts';
import { readPieceRecord, writePieceRecord } from '../../../src-main/swarm/piece-record.ts';
import { createSwarmClient, type SwarmLoss } from '../../../src-main/swarm/swarm-client.ts';
import { createWebSeedGuard, type WebSeedGuard } from '../../../src-main/swarm/web-seed-guard.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import {
  addressOf,
  createPack,
  createSwarmBench,
  sha256OfFile,
  type TestSwarm,
  whenStats,
} from '../../support/swarm-fixtures.ts';

const mebibyte = 1024 * 1024;
let shared: Awaited<ReturnType<typeof createSwarmBench>>;
let bench: Awaited<ReturnType<typeof createSwarmBench>>;
/** For tests that need no process of their own: a process takes half a second to start. */
let machine: TestSwarm;
let guard: WebSeedGuard | null = null;

beforeAll(async () => {
  shared = await createSwarmBench();
  machine = await shared.startSwarm();
});
beforeEach(async () => {
  bench = await createSwarmBench();
});
afterEach(async () => {
  await guard?.stop();
  guard = null;
  await bench.dispose();
});
afterAll(() => shared.dispose());

function connectTo(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 5_000 });
    socket.once('error', reject);
    socket.once('timeout', () => reject(new Error('No answer.')));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** A store with `pack` in it, and a guard over it. */
async function storeWith(pack: ReturnType<typeof createPack>): Promise<{ path: string; guard: WebSeedGuard }> {
  const store = createFilesystemStore(await bench.subfolder('store'));
  await store.put(storeKeys.pack(pack.digest), { kind: 'bytes', bytes: pack.bytes });
  const path = store.localPath(storeKeys.pack(pack.digest));
  if (path === null) throw new Error('The store has no path for the pack.');
  const made = createWebSeedGuard({ stores: [store], logger: silentLogger });
  guard = made;
  await made.start();
  return { path, guard: made };
}

describe('peers', () => {
  it('move a pack from one seeder to two machines, which then seed it', async () => {
    const pack = createPack(8 * mebibyte);
    const [seeder, second] = await Promise.all([bench.startSwarm(), bench.startSwarm()]);
    const first = machine;
    const source = await bench.subfolder('source');
    const path = await bench.writePack(source, pack);
    await chmod(path, 0o444);
    const before = await stat(path);
    await seeder.client.seed({ torrent: pack.torrent, folder: source, verified: false });

    const folders = [await bench.subfolder('first'), await bench.subfolder('second')] as const;
    const results = await Promise.all([
      first.client.download({
        torrent: pack.torrent,
        folder: folders[0],
        peers: [addressOf(seeder.client)],
        webSeeds: [],
      }),
      second.client.download({
        torrent: pack.torrent,
        folder: folders[1],
        peers: [addressOf(seeder.client), addressOf(first.client)],
        webSeeds: [],
      }),
    ]);

    for (const [index, result] of results.entries()) {
      expect(result.bytesFromPeers).toBeGreaterThanOrEqual(pack.bytes.byteLength);
      expect(result.bytesFromWebSeed).toBe(0);
      expect(await sha256OfFile(join(folders[index] ?? '', pack.name))).toBe(pack.digest);
    }
    const after = await stat(path);
    expect({ ino: after.ino, mtimeMs: after.mtimeMs, size: after.size }).toEqual({
      ino: before.ino,
      mtimeMs: before.mtimeMs,
      size: before.size,
    });

    seeder.client.unseed(pack.infoHash);
    await second.client.stop();
    const thirdFolder = await bench.subfolder('third');
    await seeder.client.download({
      torrent: pack.torrent,
      folder: thirdFolder,
      peers: [addressOf(first.client)],
      webSeeds: [],
    });
    expect(await sha256OfFile(join(thirdFolder, pack.name))).toBe(pack.digest);
  });

  it.skipIf(process.platform !== 'linux')(
    'keep no file open that nobody asks for, and give it to who does',
    async () => {
      const [seeder, folder] = [await bench.startSwarm(), await bench.subfolder('many')];
      const packs = Array.from({ length: 80 }, () => createPack(70_000));
      for (const pack of packs) {
        await bench.writePack(folder, pack);
        await seeder.client.seed({ torrent: pack.torrent, folder, verified: true });
      }
      const pid = seeder.processes[0]?.pid ?? 0;
      const openFiles = async () => {
        const names = await readdir(`/proc/${pid}/fd`);
        const paths = await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
        return paths.filter(path => path.startsWith(folder)).length;
      };
      expect(await openFiles()).toBe(0);
      await whenStats(seeder.client, stats => stats.torrents.length === packs.length);
      const target = await bench.subfolder('machine');
      for (const pack of [packs[0], packs[79]]) {
        if (pack === undefined) throw new Error('no pack');
        const peers = [addressOf(seeder.client)];
        const result = await machine.client.download({ torrent: pack.torrent, folder: target, peers, webSeeds: [] });
        expect(result).toEqual({ bytesFromPeers: pack.bytes.byteLength, bytesFromWebSeed: 0 });
      }
      await whenStats(
        seeder.client,
        ({ torrents }) => torrents.filter(({ uploadedBytes }) => uploadedBytes > 0).length === 2,
      );
      expect(await openFiles()).toBe(2);
      seeder.client.unseed(packs[1]?.infoHash ?? '');
      await whenStats(seeder.client, stats => stats.torrents.length === packs.length - 1);
    },
  );

  it('seeds again after its process was killed, on the same port', async () => {
    const pack = createPack(mebibyte);
    const seeder = await bench.startSwarm();
    const source = await bench.subfolder('source');
    await bench.writePack(source, pack);
    await seeder.client.seed({ torrent: pack.torrent, folder: source, verified: true });
    const address = addressOf(seeder.client);
    const losses: SwarmLoss[] = [];
    const unsubscribe = seeder.client.onLost(loss => losses.push(loss));

    seeder.processes.at(-1)?.kill('SIGKILL');
    await whenStats(seeder.client, stats => stats.port === null);
    await whenStats(seeder.client, stats => stats.torrents.some(torrent => torrent.complete));
    expect(addressOf(seeder.client)).toEqual(address);
    unsubscribe();
    expect(losses).toMatchObject([{ exit: { exitCode: null, signal: 'SIGKILL' }, again: false }]);

    const folder = await bench.subfolder('machine');
    await machine.client.download({ torrent: pack.torrent, folder, peers: [address], webSeeds: [] });
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
  });
});

describe('a web seed', () => {
  it('gives the whole pack where there are no peers', async () => {
    const pack = createPack(8 * mebibyte);
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const result = await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [],
      webSeeds: [store.guard.urlFor(pack.digest)],
    });
    expect(result).toEqual({ bytesFromPeers: 0, bytesFromWebSeed: pack.bytes.byteLength });
    const again = await machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds: [] });
    expect(again).toEqual({ bytesFromPeers: 0, bytesFromWebSeed: 0 });
    expect(store.guard.bytesServed()).toBe(pack.bytes.byteLength);
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
  });

  it('gives pieces of the largest size', async () => {
    const pack = createPack(20 * mebibyte, 16 * mebibyte);
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const webSeeds = [store.guard.urlFor(pack.digest)];
    const result = await machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds });
    expect(result).toEqual({ bytesFromPeers: 0, bytesFromWebSeed: pack.bytes.byteLength });
    machine.client.unseed(pack.infoHash);
  });

  it('takes over where every peer is dead', async () => {
    const pack = createPack(mebibyte);
    const store = await storeWith(pack);
    const gone = await bench.startSwarm();
    const peers = [addressOf(gone.client), { host: 'not a host', port: 1 }];
    await gone.client.stop();
    const folder = await bench.subfolder('machine');
    const result = await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers,
      webSeeds: [store.guard.urlFor(pack.digest)],
    });
    expect(result.bytesFromWebSeed).toBe(pack.bytes.byteLength);
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
  });

  it('finishes what a seeder began that was killed, and keeps the pieces that were there', async () => {
    // A piece of one block: what has come is verified, but for the last few.
    const pack = createPack(4 * mebibyte, 16 * 1024);
    const store = await storeWith(pack);
    const seeder = await bench.startSwarm();
    seeder.client.setLimits({ uploadBytesPerSecond: mebibyte, downloadBytesPerSecond: null });
    await seeder.client.seed({ torrent: pack.torrent, folder: dirname(store.path), verified: true });
    const folder = await bench.subfolder('machine');
    const killed = Promise.withResolvers<void>();
    const download = machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [addressOf(seeder.client)],
      webSeeds: [],
      stallTimeoutMs: 5_000,
      onProgress: ({ bytesDone }) => {
        if (bytesDone < mebibyte / 4) return;
        seeder.processes.at(-1)?.kill('SIGKILL');
        void seeder.client.stop();
        killed.resolve();
      },
    });
    await expect(download).rejects.toMatchObject({ code: 'swarm.unavailable' });
    await killed.promise;

    const result = await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [],
      webSeeds: [store.guard.urlFor(pack.digest)],
    });
    expect(result.bytesFromWebSeed).toBeGreaterThan(0);
    expect(result.bytesFromWebSeed).toBeLessThan(pack.bytes.byteLength);
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
  });
});

describe('a note of the pieces that are there', () => {
  const pack = createPack(4 * mebibyte);
  const metainfo = parseMetainfo(pack.torrent, null);
  const half = Uint8Array.from({ length: 8 }, (_, index) => (index < 4 ? 0xff : 0));

  it('spares what it names, and goes when the pack is whole', async () => {
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const path = join(folder, pack.name);
    // A piece that is not looked at: wrong bytes in it show that it was believed.
    const there = Buffer.from(pack.bytes.subarray(0, 2 * mebibyte));
    there.fill(1, 10 * 65_536, 11 * 65_536);
    await writeFile(path, there);
    await writePieceRecord(path, metainfo, half);
    const webSeeds = [store.guard.urlFor(pack.digest)];
    const result = await machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds });
    expect(result.bytesFromWebSeed).toBe(2 * mebibyte);
    expect(await readPieceRecord(path, metainfo)).toBeNull();
    machine.client.unseed(pack.infoHash);
  });

  it('that names what is not there is found out', async () => {
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const path = join(folder, pack.name);
    await writeFile(path, Buffer.alloc(2 * mebibyte));
    await writePieceRecord(path, metainfo, half);
    const webSeeds = [store.guard.urlFor(pack.digest)];
    await machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds });
    expect(await sha256OfFile(path)).toBe(pack.digest);
    machine.client.unseed(pack.infoHash);
  });
});

describe('wrong bytes', () => {
  it('of a peer are never kept, and the web seed takes over from it', async () => {
    const pack = createPack(mebibyte);
    const store = await storeWith(pack);
    const liar = await bench.startSwarm();
    const source = await bench.subfolder('source');
    const path = await bench.writePack(source, pack);
    await writeFile(path, Buffer.alloc(pack.bytes.byteLength, 1));
    await liar.client.seed({ torrent: pack.torrent, folder: source, verified: true });
    const folder = await bench.subfolder('machine');
    const result = await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [addressOf(liar.client)],
      webSeeds: [store.guard.urlFor(pack.digest)],
    });
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    // Refused at its first piece: it is not asked again while the web seed works.
    expect(result.bytesFromPeers).toBeLessThan(pack.bytes.byteLength);
  });

  it('of a peer that has half of its pieces wrong cost one piece, and the rest comes from others', async () => {
    const pack = createPack(4 * mebibyte);
    const [liar, honest] = await Promise.all([bench.startSwarm(), bench.startSwarm()]);
    const [poisoned, whole] = [await bench.subfolder('poisoned'), await bench.subfolder('whole')];
    const wrong = Buffer.from(pack.bytes);
    for (let piece = 0; piece < 64; piece += 2) wrong.fill(1, piece * 65_536, (piece + 1) * 65_536);
    await writeFile(await bench.writePack(poisoned, pack), wrong);
    await bench.writePack(whole, pack);
    honest.client.setLimits({ uploadBytesPerSecond: 2 * mebibyte, downloadBytesPerSecond: null });
    await liar.client.seed({ torrent: pack.torrent, folder: poisoned, verified: true });
    await honest.client.seed({ torrent: pack.torrent, folder: whole, verified: true });
    const folder = await bench.subfolder('machine');
    await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [addressOf(liar.client), addressOf(honest.client)],
      webSeeds: [],
    });
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    // It was left at its first wrong piece: what it had been asked for by then is all that it could give.
    await whenStats(machine.client, stats =>
      stats.torrents.some(torrent => torrent.infoHash === pack.infoHash && torrent.peers === 1),
    );
  });

  it('of the store are read once, and the download ends', async () => {
    const pack = createPack(mebibyte);
    const store = await storeWith(pack);
    await chmod(store.path, 0o644);
    await writeFile(store.path, Buffer.alloc(pack.bytes.byteLength, 1));
    const download = machine.client.download({
      torrent: pack.torrent,
      folder: await bench.subfolder('machine'),
      peers: [],
      webSeeds: [store.guard.urlFor(pack.digest)],
      stallTimeoutMs: 1_000,
    });
    await expect(download).rejects.toMatchObject({ code: 'swarm.unavailable' });
    expect(store.guard.bytesServed()).toBeLessThan(pack.bytes.byteLength);
  });
});

describe('the process', () => {
  it('listens at the address that it is given and at no other', async () => {
    const { port } = addressOf(machine.client);
    // 127.0.0.2 is this machine on Linux; elsewhere it is nowhere, which no server answers either.
    await expect(connectTo('127.0.0.2', port)).rejects.toThrow();
    await connectTo('127.0.0.1', port);
  });

  it.skipIf(process.platform !== 'linux')(
    'moves to another address when it is told to, on the same port and with what it seeds',
    async () => {
      const pack = createPack(mebibyte);
      const [seeder, source, folder] = [
        await bench.startSwarm(),
        await bench.subfolder('source'),
        await bench.subfolder('far'),
      ];
      await bench.writePack(source, pack);
      await seeder.client.seed({ torrent: pack.torrent, folder: source, verified: true });
      const { port } = addressOf(seeder.client);
      seeder.client.listenAt('127.0.0.2');
      await whenStats(seeder.client, stats => stats.port === null);
      await whenStats(seeder.client, stats => stats.torrents.some(torrent => torrent.complete));
      expect(seeder.client).toMatchObject({ port, listenHost: '127.0.0.2' });
      await expect(connectTo('127.0.0.1', port)).rejects.toThrow();
      const result = await machine.client.download({
        ...{ torrent: pack.torrent, folder, peers: [{ host: '127.0.0.2', port }], webSeeds: [] },
      });
      expect(result.bytesFromPeers).toBe(pack.bytes.byteLength);
    },
  );

  it('gives nothing to a connection that begins in plain', async () => {
    const pack = createPack(mebibyte);
    const source = await bench.subfolder('source');
    await bench.writePack(source, pack);
    await machine.client.seed({ torrent: pack.torrent, folder: source, verified: true });
    const { host, port } = addressOf(machine.client);
    const socket = connect({ host, port });
    await once(socket, 'connect');
    const received: Buffer[] = [];
    socket.on('data', bytes => received.push(bytes));
    socket.write(
      Buffer.concat([
        Buffer.from('\u0013BitTorrent protocol', 'latin1'),
        Buffer.alloc(8),
        Buffer.from(pack.infoHash, 'hex'),
        Buffer.alloc(20, 'x'),
        // Interested, then a request of the first block.
        Buffer.from([0, 0, 0, 1, 2, 0, 0, 0, 13, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0]),
      ]),
    );
    await once(socket, 'close');
    // At most its own handshake of 68 bytes: no bitfield, no block.
    expect(Buffer.concat(received).byteLength).toBeLessThanOrEqual(68);
    machine.client.unseed(pack.infoHash);
  });

  it('ends by itself when its parent has gone', async () => {
    const child = fork(entryPath('swarm'), { stdio: 'ignore' });
    const listening = once(child, 'message');
    child.send({
      type: 'configure',
      port: 0,
      listenHost: '127.0.0.1',
      uploadLimitBytesPerSecond: null,
      downloadLimitBytesPerSecond: null,
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await listening;
    const exited = once(child, 'exit');
    child.disconnect();
    expect(await exited).toEqual([0, null]);
  });
});

describe('failures', () => {
  it('a download in flight is rejected when its process is killed, and the next one works', async () => {
    const machine = await bench.startSwarm();
    const pack = createPack(mebibyte);
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const download = machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds: [] });
    machine.processes.at(-1)?.kill('SIGKILL');
    await expect(download).rejects.toMatchObject({ code: 'swarm.unavailable' });
    await whenStats(machine.client, stats => stats.port !== null);
    await machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [],
      webSeeds: [store.guard.urlFor(pack.digest)],
    });
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
    expect(machine.processes.length).toBe(2);
  });

  it('an aborted download ends with the reason, and can be taken up again', async () => {
    const pack = createPack(mebibyte);
    const store = await storeWith(pack);
    const folder = await bench.subfolder('machine');
    const abort = new AbortController();
    const download = machine.client.download({
      torrent: pack.torrent,
      folder,
      peers: [],
      webSeeds: [],
      signal: abort.signal,
    });
    abort.abort(new Error('superseded'));
    await expect(download).rejects.toThrow('superseded');
    const webSeeds = [store.guard.urlFor(pack.digest)];
    await machine.client.download({ torrent: pack.torrent, folder, peers: [], webSeeds });
    expect(await sha256OfFile(join(folder, pack.name))).toBe(pack.digest);
  });

  it('a changed, short or missing file is not seeded, and is left as it is', async () => {
    const pack = createPack(mebibyte);
    const { client } = machine;
    const changed = await bench.subfolder('changed');
    const path = await bench.writePack(changed, pack);
    const wrong = Buffer.from(pack.bytes);
    wrong[500_000] = (wrong[500_000] ?? 0) ^ 1;
    await writeFile(path, wrong);
    await expect(client.seed({ torrent: pack.torrent, folder: changed, verified: false })).rejects.toMatchObject({
      code: 'artifact.digest_mismatch',
    });
    expect(wrong.equals(await readFile(path))).toBe(true);

    await writeFile(path, pack.bytes.subarray(0, 100));
    await expect(client.seed({ torrent: pack.torrent, folder: changed, verified: true })).rejects.toMatchObject({
      code: 'artifact.digest_mismatch',
    });
    expect((await stat(path)).size).toBe(100);

    const empty = await bench.subfolder('empty');
    await expect(client.seed({ torrent: pack.torrent, folder: empty, verified: true })).rejects.toMatchObject({
      code: 'not_found',
    });
    await rename(path, `${path}.old`);
    await bench.writePack(changed, pack);
    await client.seed({ torrent: pack.torrent, folder: changed, verified: false });
  });

  it('a hostile torrent is refused before anything is written', async () => {
    const { client, processes } = machine;
    const folder = await bench.subfolder('machine');
    const torrent = Buffer.from('d8:announce20:http://evil.example/4:infod6:lengthi5e4:name9:../../etcee');
    await expect(client.download({ torrent, folder, peers: [], webSeeds: [] })).rejects.toMatchObject({
      code: 'artifact.malformed',
    });
    await expect(client.seed({ torrent, folder, verified: true })).rejects.toMatchObject({
      code: 'artifact.malformed',
    });
    processes.at(-1)?.send({ type: 'no such command' });
    processes.at(-1)?.send(null);
    expect(client.port).not.toBeNull();
    expect(processes.length).toBe(1);
  });

  it('a port that another program holds is named', async () => {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    const client = createSwarmClient({
      launcher: createNodeLauncher(),
      logger: silentLogger,
      listen: { host: '127.0.0.1', port: address.port },
    });
    await expect(client.start()).rejects.toMatchObject({ code: 'host.port_in_use' });
    await client.stop();
    await client.stop();
    server.close();
  });
});
