import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { announce, parseAnswer } from '../../../src-main/swarm/announce.ts';
import { createAnnouncer } from '../../../src-main/swarm/announcer.ts';
import { readBencode } from '../../../src-main/swarm/read-bencode.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { newSigner } from '../../support/signed-protocol.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
});

async function liar(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response));
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/announce`;
}

const announcement = { infoHash: 'ab'.repeat(20), peerId: 'cd'.repeat(20), port: 4_000, leftBytes: 1, token: 't' };

describe('bencode from strangers', () => {
  it('is read with its end', () => {
    const { value, end } = readBencode(Buffer.from('d1:ai-7e1:bl2:xy0:ee and more'));
    expect(end).toBe(20);
    expect(value).toEqual(
      new Map<string, unknown>([
        ['a', -7],
        ['b', [Buffer.from('xy'), Buffer.from('')]],
      ]),
    );
  });

  // The library's own decoder never ends on the first two.
  it.each([
    'l-3:',
    'd-3:',
    '',
    'i',
    'ie',
    'i01e',
    'i1',
    '5:abc',
    '999999999:',
    'd1:a',
    'di1ee',
    'l'.repeat(60_000),
    'x',
  ])('is refused: %.20s', text => {
    expect(() => readBencode(Buffer.from(text))).toThrow(/not bencode/);
  });
});

describe('the answer of a tracker', () => {
  it('names peers of both kinds', () => {
    const four = Buffer.from([192, 0, 2, 1, 0x1a, 0xe1, 192, 0, 2, 2, 0, 0]);
    const six = Buffer.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1a, 0xe1]);
    const answer = Buffer.concat([
      Buffer.from('d8:intervali1800e5:peers12:'),
      four,
      Buffer.from('6:peers618:'),
      six,
      Buffer.from('e'),
    ]);
    expect(parseAnswer(answer)).toEqual({
      intervalMs: 1_800_000,
      peers: [
        { host: '192.0.2.1', port: 6_881 },
        { host: '2001:db8:0:0:0:0:0:1', port: 6_881 },
      ],
    });
  });

  it('gives fifty peers at most, whatever it names', () => {
    const peers = Buffer.alloc(60_000, 1);
    const answer = Buffer.concat([Buffer.from(`d5:peers${peers.byteLength}:`), peers, Buffer.from('e')]);
    expect(parseAnswer(answer).peers).toHaveLength(50);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['is garbage', response => response.end(Buffer.alloc(5_000, 0xff))],
    ['never ends', response => void endless(response)],
    ['is a redirect', response => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['is an error', response => response.writeHead(500).end('d5:peers0:e')],
    ['is a list', response => response.end('le')],
    ['breaks off', response => response.destroy()],
  ])('is left alone where it %s', async (_name, answer) => {
    const url = await liar(answer);
    await expect(announce(url, announcement, new AbortController().signal)).rejects.toMatchObject({
      code: 'swarm.tracker_failed',
    });
  });
});

function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(16 * 1024)));
  };
  response.on('drain', more);
  more();
}

describe('an announcer', () => {
  it('brings peers to who asks, and heeds no interval of years', async () => {
    const url = await liar(response =>
      response.end(Buffer.from('d8:intervali999999999999999e5:peers6:\x01\x02\x03\x04\x00\x50e', 'latin1')),
    );
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const announcer = createAnnouncer({
      signer: newSigner(),
      port: () => 4_000,
      packs: () => [{ infoHash: announcement.infoHash, leftBytes: 5 }],
      trackers: async () => ['no url', 'ftp://127.0.0.1/', url],
      onPeers: (infoHash, peers) => resolve({ infoHash, peers }),
      now: Date.now,
      logger: silentLogger,
    });
    announcer.start();
    expect(await promise).toEqual({ infoHash: announcement.infoHash, peers: [{ host: '1.2.3.4', port: 80 }] });
    await announcer.stop();
  });

  it('ends while a tracker keeps it waiting', async () => {
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    const url = await liar(() => resolve());
    const announcer = createAnnouncer({
      signer: newSigner(),
      port: () => 4_000,
      packs: () => [{ infoHash: announcement.infoHash, leftBytes: 5 }],
      trackers: async () => [url],
      onPeers: () => undefined,
      now: Date.now,
      logger: silentLogger,
    });
    announcer.start();
    await heard;
    await announcer.stop();
  });
});
