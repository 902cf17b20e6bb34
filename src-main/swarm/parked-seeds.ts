/** Owns the seeds that nobody asks for: as little as is needed to take one up again. Knows no file and no connection. */
import { createHash } from 'node:crypto';
import type { TorrentStats } from './messages.ts';

export interface ParkedSeed {
  readonly infoHash: string;
  readonly torrent: Uint8Array;
  readonly folder: string;
  readonly path: string;
  /** As it was when it was put aside. */
  readonly stats: TorrentStats;
}

export interface ParkedSeeds {
  put(seed: ParkedSeed): void;
  get(infoHash: string): ParkedSeed | null;
  /** The one that a handshake asks for. */
  asked(handshakeHash: string): ParkedSeed | null;
  drop(infoHash: string): void;
  stats(): TorrentStats[];
}

/** What the encrypted handshake says of an info hash. Source: Vuze wiki, "Message Stream Encryption": HASH('req2', SKEY). */
function handshakeHashOf(infoHash: string): string {
  return createHash('sha1').update('req2').update(Buffer.from(infoHash, 'hex')).digest('hex');
}

export function createParkedSeeds(): ParkedSeeds {
  const byInfoHash = new Map<string, ParkedSeed>();
  const infoHashes = new Map<string, string>();
  return {
    put: seed => {
      byInfoHash.set(seed.infoHash, seed);
      infoHashes.set(handshakeHashOf(seed.infoHash), seed.infoHash);
    },
    get: infoHash => byInfoHash.get(infoHash) ?? null,
    asked: handshakeHash => byInfoHash.get(infoHashes.get(handshakeHash) ?? '') ?? null,
    drop: infoHash => {
      byInfoHash.delete(infoHash);
      infoHashes.delete(handshakeHashOf(infoHash));
    },
    stats: () =>
      [...byInfoHash.values()].map(({ stats }) => ({
        ...stats,
        peers: 0,
        downloadBytesPerSecond: 0,
        uploadBytesPerSecond: 0,
      })),
  };
}
