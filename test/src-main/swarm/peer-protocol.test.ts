import { createDiffieHellman } from 'node:crypto';
import Protocol from 'bittorrent-protocol';
import { beforeAll, expect, it } from 'vitest';
import { boundPeerProtocol, createKeyExchange } from '../../../src-main/swarm/peer-protocol.ts';

const prime =
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563';

beforeAll(() => {
  boundPeerProtocol();
  boundPeerProtocol();
});

/** A connection that has shaken hands, and the bytes that come after. */
function connected(after: Uint8Array) {
  const wire = new Protocol('tcpIncoming', 0);
  wire.on('error', () => undefined);
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0]);
  wire.write(Buffer.concat([Buffer.from('\x13BitTorrent protocol'), reserved, Buffer.alloc(40, 7), after]));
  return wire;
}

const message = (body: Uint8Array) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.byteLength);
  return Buffer.concat([head, body]);
};
const soon = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));

it('agrees on the same secret as any other client, also where a number begins with zeros', () => {
  for (let round = 0; round < 5; round += 1) {
    const other = createDiffieHellman(prime, 'hex', 2);
    const theirs = other.generateKeys();
    const ours = createKeyExchange();
    const publicKey = ours.generateKeys();
    const padded = Buffer.concat([Buffer.alloc(96 - theirs.byteLength), theirs]);
    expect(publicKey).toHaveLength(96);
    expect(ours.computeSecret(padded)).toEqual(other.computeSecret(publicKey));
  }
  expect(createKeyExchange().computeSecret(Buffer.alloc(96))).toEqual(Buffer.alloc(96));
});

// Read by the library's own decoder, these would hold the whole process for ever.
it.each(['d-3:', 'd1:md-3:', 'l-3:', 'garbage', ''])('ends a connection whose extended handshake is %j', async text => {
  const wire = connected(message(Buffer.concat([Buffer.from([20, 0]), Buffer.from(text)])));
  await soon();
  expect(wire.destroyed).toBe(true);
});

it('takes an extended handshake as clients send it', async () => {
  const wire = connected(message(Buffer.concat([Buffer.from([20, 0]), Buffer.from('d1:md12:slipway_plani3eee')])));
  await soon();
  expect(wire.destroyed).toBe(false);
  expect(wire.peerExtendedMapping).toEqual({ slipway_plan: 3 });
});

it.each([256 * 1024 + 1, 0x7fffffff, 0xffffffff])(
  'ends a connection that announces a message of %d bytes',
  async size => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(size);
    const wire = connected(head);
    await soon();
    expect(wire.destroyed).toBe(true);
  },
);
