/** Owns who sent the blocks of pieces that failed their check; webtorrent itself would ask the same peer again for ever. */
import type { Wire } from 'webtorrent';

/** A piece of one sender convicts it. Where several sent blocks only repetition tells who lied. */
const maxSharedFailures = 3;

export interface PieceBlame {
  watch(wire: Wire, address: string | undefined): void;
  onVerified(pieceIndex: number): void;
  onWarning(warning: Error): void;
}

/**
 * Connections of one torrent that are ended when they bring wrong pieces, and ended again when the peer comes back under the
 * same address or peer id. The web seed is no exception: a damaged blob would be read over and over, at the store's price.
 */
export function createPieceBlame(): PieceBlame {
  const sendersOf = new Map<number, Set<Wire>>();
  const addressOf = new WeakMap<Wire, string>();
  const failures = new WeakMap<Wire, number>();
  const refused = new Set<string>();
  const liars = new WeakSet<Wire>();

  const refuse = (wire: Wire): void => {
    for (const name of [wire.peerId, addressOf.get(wire)]) if (name) refused.add(name);
    liars.add(wire);
    wire.destroy();
  };

  return {
    watch: (wire, address) => {
      if (address !== undefined) addressOf.set(wire, address);
      if ([wire.peerId, address].some(name => typeof name === 'string' && refused.has(name))) {
        wire.destroy();
        return;
      }
      wire.on('piece', index => {
        const senders = sendersOf.get(index);
        if (senders === undefined) sendersOf.set(index, new Set([wire]));
        else senders.add(wire);
      });
    },
    onVerified: pieceIndex => {
      sendersOf.delete(pieceIndex);
    },
    onWarning: warning => {
      // The only sign that webtorrent 3.0.21 gives (lib/torrent.js, `_request`).
      const [, index] = /^Piece (\d+) failed verification$/.exec(warning.message) ?? [];
      if (index === undefined) return;
      const senders = sendersOf.get(Number(index)) ?? new Set();
      sendersOf.delete(Number(index));
      // Blocks of one that was refused since are still in pieces that others completed in good faith.
      if ([...senders].some(wire => liars.has(wire))) return;
      for (const wire of senders) {
        const count = (failures.get(wire) ?? 0) + (senders.size === 1 ? maxSharedFailures : 1);
        failures.set(wire, count);
        if (count >= maxSharedFailures) refuse(wire);
      }
    },
  };
}
