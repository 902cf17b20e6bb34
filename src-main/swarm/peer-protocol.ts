/** Owns what bittorrent-protocol lacks against strangers: bounds on what a peer may send, and a key exchange that costs little. */
import { randomBytes } from 'node:crypto';
import Protocol, { type ProtocolWire } from 'bittorrent-protocol';
import { readBencode } from './read-bencode.ts';

/** webtorrent gives and takes blocks of up to 128 KiB, and the bitfield of the largest torrent has 52 KiB. */
const maxMessageBytes = 256 * 1024;
/** What webtorrent has read from this machine's own web seed comes as a message too: whole pieces. */
const maxWebSeedBytes = 16 * 1024 * 1024 + 1024;
/** Its messages are four bytes and no bencode. Source: BEP 54. */
const plainExtension = 'lt_donthave';

/** The modulus of the encrypted handshake; its generator is 2. Source: Vuze wiki, "Message Stream Encryption". */
const prime = BigInt(
  '0xffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a36210000000000090563',
);
const publicBytes = 96;
/** "More than 180 bits is not supposed to add further security with a 768-bit DH exchange", as that page says. */
const privateBytes = 20;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % prime;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}

const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(publicBytes * 2, '0'), 'hex');
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

export interface KeyExchange {
  generateKeys(): Buffer;
  /** Of another's public key; 96 bytes. */
  computeSecret(publicKey: Uint8Array): Buffer;
}

/**
 * The key exchange of one handshake. Node's own proves at each one that the modulus is prime: 50 ms for every connection of every
 * machine, the largest part of what a small pack cost. It hides the protocol from middle boxes and protects nothing (packs are
 * checked by digest and signature), so its time may depend on the key.
 */
export function createKeyExchange(): KeyExchange {
  const secret = toNumber(randomBytes(privateBytes));
  return {
    generateKeys: () => toBytes(power(2n, secret)),
    computeSecret: publicKey => toBytes(power(toNumber(publicKey), secret)),
  };
}

/** bencode's decoder, to which the wire gives all extension messages, never ends on some of them. */
function isSafe(wire: ProtocolWire, id: number, message: Uint8Array): boolean {
  const name = id === 0 ? 'handshake' : wire.extendedMapping[id];
  if (name === undefined || name === plainExtension) return true;
  try {
    readBencode(message);
    return true;
  } catch {
    return false;
  }
}

/**
 * Bounds every connection of this process from its first byte on: webtorrent shows a connection only after its handshake, and
 * what follows in the same packet would be read by then. May be called again.
 */
export function boundPeerProtocol(): void {
  const { prototype } = Protocol;
  if (Object.hasOwn(prototype, 'isBounded')) return;
  Object.defineProperty(prototype, 'isBounded', { value: true });
  const { _onExtended: takeExtended, _onMessageLength: takeLength } = prototype;
  prototype._onExtended = function (id, message) {
    if (isSafe(this, id, message)) takeExtended.call(this, id, message);
    else this.destroy();
  };
  prototype._onMessageLength = function (head) {
    const lengthBytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt32BE();
    if (lengthBytes > (this.type === 'webSeed' ? maxWebSeedBytes : maxMessageBytes)) this.destroy();
    else takeLength.call(this, head);
  };
  const encryptor: unknown = Object.getPrototypeOf(new Protocol('tcpIncoming', 1)._encryptor);
  const exchanges = new WeakMap<object, KeyExchange>();
  Object.defineProperty(encryptor, 'dh', {
    get(this: object): KeyExchange {
      const exchange = exchanges.get(this) ?? createKeyExchange();
      exchanges.set(this, exchange);
      return exchange;
    },
  });
}
