/** Owns what is known of one connection that pieces come from: what it has, how fast it is, how much is asked of it. */
import type { Wire } from 'webtorrent';

/** What every client takes. Source: BEP 3; larger requests make other clients close the connection. */
const plainBlockBytes = 16 * 1024;
/** Between machines of ours: a quarter of the messages. webtorrent gives up to 128 KiB. */
const ownBlockBytes = 64 * 1024;
/** Asked for in advance: what arrives in this time, */
const inAdvanceSeconds = 0.5;
/** at least this much, so that a connection gets going, */
const minInFlightBytes = 512 * 1024;
/** and at most this, which the other side holds in memory for us. */
const maxInFlightBytes = 8 * 1024 * 1024;
/** Requests to a web seed at the same time; each is of a whole piece. */
const webSeedRequests = 4;

const extensionName = 'slipway_plan';

/** Says in the extended handshake (BEP 10) that this is a machine of ours. It has no messages. */
export class PlanExtension {
  get name(): string {
    return extensionName;
  }
}

/** Whether the other side follows the same plan. Known once its extended handshake is here. */
export function isSlipway(wire: Wire): boolean {
  return wire.peerExtendedMapping[extensionName] !== undefined;
}

export interface Source {
  readonly wire: Wire;
  readonly inFlightBytes: number;
  isFull(): boolean;
  /** A further piece; true when it was the last one. */
  noticeHave(): boolean;
  /** What it has was told anew. */
  noticeBitfield(): void;
  bytesPerSecond(): number;
  blockBytes(): number;
  canAsk(): boolean;
  request(piece: number, offset: number, length: number, done: (error: Error | null, block: Uint8Array) => void): void;
  /** Takes back what is asked for of a piece. */
  cancel(piece: number): void;
}

export function createSource(wire: Wire, pieceCount: number, pieceLengthBytes: number): Source {
  const isWebSeed = wire.type === 'webSeed';
  const asked = new Set<{ readonly piece: number; readonly offset: number; readonly length: number }>();
  let inFlightBytes = 0;
  let pieces = 0;

  const windowBytes = (): number => {
    if (isWebSeed) return webSeedRequests * pieceLengthBytes;
    return Math.min(maxInFlightBytes, Math.max(minInFlightBytes, wire.downloadSpeed() * inAdvanceSeconds));
  };

  return {
    wire,
    get inFlightBytes() {
      return inFlightBytes;
    },
    isFull: () => pieces >= pieceCount,
    noticeHave: () => {
      pieces += 1;
      return pieces === pieceCount;
    },
    noticeBitfield: () => {
      pieces = 0;
      for (let piece = 0; piece < pieceCount; piece += 1) if (wire.peerPieces.get(piece)) pieces += 1;
    },
    bytesPerSecond: () => wire.downloadSpeed(),
    blockBytes: () => (isWebSeed ? pieceLengthBytes : isSlipway(wire) ? ownBlockBytes : plainBlockBytes),
    canAsk: () => !wire.peerChoking && !wire.destroyed && inFlightBytes < windowBytes(),
    request: (piece, offset, length, done) => {
      const entry = { piece, offset, length };
      asked.add(entry);
      inFlightBytes += length;
      wire.request(piece, offset, length, (error, block) => {
        asked.delete(entry);
        inFlightBytes -= length;
        done(error, block);
      });
    },
    cancel: piece => {
      for (const entry of [...asked]) if (entry.piece === piece) wire.cancel(piece, entry.offset, entry.length);
    },
  };
}
