import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Signer } from '../../../src-main/secrets/signing-keys.ts';
import { announce, announceUrl } from '../../../src-main/swarm/announce.ts';
import { machineTokenMs, signAnnounce, torrentTokenMs } from '../../../src-main/swarm/announce-token.ts';
import { createTracker, type Tracker } from '../../../src-main/swarm/tracker.ts';
import { newSigner } from '../../support/signed-protocol.ts';

const infoHash = 'ab'.repeat(20);
const machine = newSigner();
const controlCenter = newSigner();
const stranger = newSigner();
const nowMs = Date.now();
const trackers: Tracker[] = [];
afterEach(async () => {
  for (const tracker of trackers.splice(0)) await tracker.stop();
});

async function startTracker(): Promise<{ readonly url: string; readonly port: number; readonly tracker: Tracker }> {
  const tracker = createTracker({
    host: '127.0.0.1',
    port: 0,
    keys: { machines: [machine.publicKey], controlCenters: [controlCenter.publicKey] },
    now: () => nowMs,
    onFailure: error => {
      throw error;
    },
  });
  trackers.push(tracker);
  const port = await tracker.start();
  return { url: `http://127.0.0.1:${port}/announce`, port, tracker };
}

interface Change {
  readonly signer?: Signer;
  readonly port?: number;
  readonly signedPort?: number;
  readonly expiresAtMs?: number;
  readonly signedHash?: string;
  readonly token?: string;
  readonly peerId?: string;
}

function asked(url: string, change: Change = {}) {
  const { signer = machine, port = 4_000, signedPort = port, signedHash = infoHash } = change;
  const expiresAtMs = change.expiresAtMs ?? nowMs + machineTokenMs;
  const token = change.token ?? signAnnounce({ infoHash: signedHash, port: signedPort, expiresAtMs }, signer);
  const announcement = { infoHash, peerId: change.peerId ?? 'cd'.repeat(20), port, leftBytes: 1, token };
  return announce(url, announcement, new AbortController().signal);
}

function statusOf(url: string, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, agent: false }, response => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    asking.once('error', reject);
    asking.end();
  });
}

it('tells those whose announces are signed of each other', async () => {
  const { url } = await startTracker();
  await asked(url, { port: 4_000, peerId: 'ab'.repeat(20) });
  const { peers, intervalMs } = await asked(url, { port: 4_001 });
  expect(peers).toEqual([{ host: '127.0.0.1', port: 4_000 }]);
  expect(intervalMs).toBeGreaterThan(0);
});

it.each([
  ['without a signature', { token: 'none' }, /not signed/],
  ['of a key that is not enrolled', { signer: stranger }, /not enrolled/],
  ['for another pack', { signedHash: 'cd'.repeat(20) }, /does not hold/],
  ['for another port', { signedPort: 4_002 }, /another port/],
  ['for any port, by a machine', { signedPort: 0 }, /another port/],
  ['that has expired', { expiresAtMs: nowMs - 3_600_000 }, /expired/],
  ['that holds for years', { expiresAtMs: nowMs + 1e12 }, /too long/],
])('gives nothing to an announce %s', async (_name, change, reason) => {
  const { url } = await startTracker();
  await asked(url, { port: 4_000 });
  await expect(asked(url, { port: 4_001, ...change })).rejects.toMatchObject({
    code: 'swarm.tracker_failed',
    message: expect.stringMatching(reason),
  });
});

it('answers a torrent of a control center at any port, for a week', async () => {
  const { url } = await startTracker();
  const torrent = { signer: controlCenter, signedPort: 0, expiresAtMs: nowMs + torrentTokenMs };
  await asked(url, { port: 4_000, peerId: 'ab'.repeat(20), ...torrent });
  const { peers } = await asked(url, { port: 4_001, ...torrent });
  expect(peers).toContainEqual({ host: '127.0.0.1', port: 4_000 });
});

it('answers no longer who was revoked', async () => {
  const { url, tracker } = await startTracker();
  await asked(url);
  tracker.setKeys({ machines: [], controlCenters: [controlCenter.publicKey] });
  await expect(asked(url)).rejects.toMatchObject({ code: 'swarm.tracker_failed' });
});

it('has nothing but announces: no list of packs, no statistics, no other method', async () => {
  const { port } = await startTracker();
  for (const path of ['/', '/scrape', '/stats', '/stats.json', '/api', '/announce/']) {
    expect(await statusOf(`http://127.0.0.1:${port}${path}`)).toBe(404);
  }
  expect(await statusOf(`http://127.0.0.1:${port}/announce?info_hash=x`, 'POST')).toBe(404);
});

it('goes on after requests that were made to hurt it', async () => {
  const { url, port } = await startTracker();
  const token = signAnnounce({ infoHash, port: 4_000, expiresAtMs: nowMs + machineTokenMs }, machine);
  const good = announceUrl(url, { infoHash, peerId: 'cd'.repeat(20), port: 4_000, leftBytes: 1, token }).href;
  // `socket` would be taken for a connection of bittorrent-tracker's own; what comes twice would be an array.
  for (const more of ['&socket=x', '&socket=x&event=stopped', '&event=__proto__', '&port=1&port=2', '&%', '&peers=x']) {
    await statusOf(`${good}${more}`);
  }
  await new Promise<void>(resolve => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.end(`GET /announce?${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`),
    );
    socket.on('error', () => undefined).on('close', () => resolve());
    socket.resume();
  });
  await asked(url, { port: 4_000 });
  expect((await asked(url, { port: 4_001, peerId: 'ab'.repeat(20) })).peers).toHaveLength(1);
});
