/** Checks, through an agent's whole fetch with real swarm processes, that nobody who lies gets a byte onto a machine or keeps a release from it. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentOutcome } from '../../../src-main/agent/agent.ts';
import { type Pack, storeKeys } from '../../../src-main/contract/documents.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { signReport } from '../../../src-main/releases/machine-report.ts';
import { seederKey, signSeeder } from '../../../src-main/releases/seeder-document.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { createAnnouncer } from '../../../src-main/swarm/announcer.ts';
import { createSwarmClient, type SwarmClient } from '../../../src-main/swarm/swarm-client.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';
import { machineOf, newSigner, reportOf } from '../../support/signed-protocol.ts';
import { whenStats } from '../../support/swarm-fixtures.ts';

let at: Installation;
const text = randomBytes(1_200_000).toString('base64');
const swarms: SwarmClient[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  at = await createInstallation();
});
afterEach(async () => {
  for (const swarm of swarms.splice(0)) await swarm.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
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

/** Beyond ten minutes after a report that was made at the beginning of time. */
const laterMs = 3_600_000;

async function publish() {
  const published = await at.publish(1, { 'data.txt': text }, { expiresAtMs: 2 * laterMs });
  const pack = published.pointer.packs[0];
  if (pack === undefined) throw new Error('no pack');
  const torrent = (await at.store.read(storeKeys.torrent(pack.digest), 1_000_000))?.bytes ?? new Uint8Array();
  const bytes = await at.store.get(storeKeys.pack(pack.digest)).then(stream => stream.toArray());
  return { pack, torrent, bytes: Buffer.concat(bytes) };
}

/** A seeder of `bytes`, whatever the torrent says. */
async function seederOf(pack: Pack, torrent: Uint8Array, bytes: Uint8Array): Promise<SwarmClient> {
  const swarm = newSwarm();
  await swarm.start();
  const folder = join(at.folder, `seeder-${swarms.length}`);
  await mkdir(folder);
  await writeFile(join(folder, `${pack.digest}.tar.zst`), bytes);
  await swarm.seed({ torrent, folder, verified: true });
  return swarm;
}

const halfWrong = (bytes: Buffer) => {
  const wrong = Buffer.from(bytes);
  for (let start = 0; start < wrong.byteLength; start += 65_536) {
    wrong.fill(1, start, Math.min(wrong.byteLength, start + 32_768));
  }
  return wrong;
};

async function putSeeder(
  pack: Pack,
  peers: readonly { host: string; port: number }[],
  trackers: readonly string[] = [],
) {
  const { repositoryId, release } = at;
  const bytes = signSeeder(
    {
      type: 'slipway.seeder/v1',
      repositoryId,
      peers: [...peers],
      seeding: [pack.infoHash],
      trackers: [...trackers],
      sequence: 1,
      reportedAtMs: 1,
    },
    release,
  );
  await at.store.put(seederKey(repositoryId, release.keyId), { kind: 'bytes', bytes });
}

const address = (swarm: SwarmClient) => ({ host: '127.0.0.1', port: swarm.port ?? 0 });
const noPack = (pack: Pack) => at.store.delete(storeKeys.pack(pack.digest));

async function expectInstalled(outcome: AgentOutcome, root: string): Promise<void> {
  expect(outcome).toMatchObject({ kind: 'activated' });
  expect((await at.currentFile(root, 'data.txt')) === text).toBe(true);
}

it('a peer that has half of its pieces wrong is left, and the store gives the rest', async () => {
  const { pack, torrent, bytes } = await publish();
  const liar = await seederOf(pack, torrent, halfWrong(bytes));
  await putSeeder(pack, [address(liar)]);
  const { agent, root } = await at.pairedAgent('web-1', { swarm: newSwarm() });
  await expectInstalled(await agent.runOnce(), root);
});

it('reports that are forged, of a revoked machine, or old lead to nobody', async () => {
  const { pack, torrent, bytes } = await publish();
  const liar = await seederOf(pack, torrent, halfWrong(bytes));
  const { agent, root, machine: own } = await at.pairedAgent('web-1', { swarm: newSwarm() });
  const { repositoryId, channel } = at;
  const lies = { peers: [address(liar)], seeding: [pack.infoHash], repositoryId, channel, reportedAtMs: laterMs };
  const [forger, revoked, old] = [newSigner(), newSigner(), newSigner()];
  const enrolled = [revoked, old].map(key => machineOf(key, { repositoryId, channel }));
  const [gone, silent] = enrolled;
  if (gone === undefined || silent === undefined) throw new Error('no machines');
  await at.putTrust({ machines: [own, { ...gone, revokedAtMs: 1 }, silent] });
  const put = async (name: string, report: Uint8Array) => {
    await at.store.put(storeKeys.report(repositoryId, name), { kind: 'bytes', bytes: report });
  };
  await put(silent.machineId, signReport(reportOf(silent, { ...lies, reportedAtMs: 1 }), old));
  await put(gone.machineId, signReport(reportOf(gone, lies), revoked));
  const stranger = machineOf(forger, { repositoryId, channel });
  await put(stranger.machineId, signReport(reportOf(stranger, lies), forger));
  // Another machine's word under this one's name.
  await put(
    '0198c0de-0000-7000-8000-000000000001',
    signReport(reportOf({ ...stranger, machineId: silent.machineId }, lies), forger),
  );
  at.setNow(laterMs);
  const outcome = await agent.runOnce();
  await expectInstalled(outcome, root);
  expect(outcome).toMatchObject({ bytes: { peers: 0, region: pack.sizeBytes } });
  expect(liar.stats().torrents[0]?.uploadedBytes ?? 0).toBe(0);
});

describe('a tracker', () => {
  async function lying(answer: (response: ServerResponse) => void): Promise<string> {
    const server = createServer((_request, response) => answer(response));
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    return `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}/announce`;
  }
  const compact = (ports: readonly number[]) =>
    Buffer.concat(ports.map(port => Buffer.from([127, 0, 0, 1, port >> 8, port & 0xff])));

  it('is all that a machine needs to find another', async () => {
    const { pack, torrent, bytes } = await publish();
    const seeder = await seederOf(pack, torrent, bytes);
    await noPack(pack);
    const { agent, root, machine } = await at.pairedAgent('web-1', { swarm: newSwarm() });
    seeder.setTracker({ port: 0, keys: { machines: [machine.publicKey], controlCenters: [at.release.publicKey] } });
    await whenStats(seeder, () => seeder.trackerPort !== null);
    const url = `http://127.0.0.1:${seeder.trackerPort}/announce`;
    await putSeeder(pack, [], [url]);
    const announcer = createAnnouncer({
      signer: at.release,
      port: () => seeder.port,
      packs: () => [{ infoHash: pack.infoHash, leftBytes: 0 }],
      trackers: async () => [url],
      onPeers: () => undefined,
      now: Date.now,
      logger: silentLogger,
    });
    announcer.start();
    // The agent signs by its own clock, which the tracker compares with its own.
    at.setNow(Date.now());
    await at.publish(1, { 'data.txt': text }, { expiresAtMs: Date.now() + 3_600_000, issuedAtMs: Date.now() });
    await noPack(pack);
    const outcome = await agent.runOnce();
    await announcer.stop();
    await expectInstalled(outcome, root);
    expect(outcome).toMatchObject({ bytes: { peers: pack.sizeBytes, region: 0 } });
  });

  it('that lies keeps no release from a machine', async () => {
    const { pack, torrent, bytes } = await publish();
    const liar = await seederOf(pack, torrent, halfWrong(bytes));
    const web = await lying(response => response.end('no peer at all'));
    const peers = compact([liar.port ?? 1, Number(new URL(web).port), 1]);
    const trackers = [
      await lying(response =>
        response.end(
          Buffer.concat([Buffer.from(`d8:intervali9999999999e5:peers${peers.byteLength}:`), peers, Buffer.from('e')]),
        ),
      ),
      await lying(response => response.end(Buffer.alloc(50_000, 0xfe))),
      await lying(response => void Readable.from(forever()).pipe(response)),
      await lying(() => undefined),
    ];
    const { agent, root } = await at.pairedAgent('web-1', { swarm: newSwarm(), trackers });
    await expectInstalled(await agent.runOnce(), root);
  });
});

async function* forever(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(16_384, 0x64);
}

describe('a store whose packs, read by range for the web seed,', () => {
  /** The store, with another answer for packs alone. */
  const packsOf = (give: (start: number, end: number) => Uint8Array | null): BlobStore => ({
    ...at.store,
    get: async (key, options) => {
      if (!key.startsWith('packs/') || options?.range === undefined) return at.store.get(key, options);
      const bytes = give(options.range.start, options.range.end + 1);
      if (bytes === null) throw new Error('the connection was reset');
      return Readable.from([bytes]);
    },
  });

  it.each<[string, (bytes: Buffer) => (start: number, end: number) => Uint8Array | null]>([
    ['are garbage', () => (start, end) => Buffer.alloc(end - start, 7)],
    ['come whole whatever range was asked for', bytes => () => bytes],
    ['are nothing', () => () => Buffer.alloc(0)],
    ['are not to be had', () => () => null],
  ])('%s is left for the next', async (_name, give) => {
    const { bytes, pack } = await publish();
    const bad = packsOf(give(bytes));
    const { agent, root } = await at.pairedAgent('web-1', { swarm: newSwarm(), stores: [bad, at.store] });
    const outcome = await agent.runOnce();
    await expectInstalled(outcome, root);
    expect(outcome).toMatchObject({ bytes: { region: pack.sizeBytes } });
  });
});
