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
 * Connections of one torrent that are ended when their peer sends wrong pieces, and ended again when it comes back under the
 * same address or peer id. The web seed is never ended: where its store is wrong, the download stalls and its caller decides.
 */
export function createPieceBlame(): PieceBlame {
  const sendersOf = new Map<number, Set<Wire>>();
  const addressOf = new WeakMap<Wire, string>();
  const failures = new WeakMap<Wire, number>();
  const refused = new Set<string>();

  const refuse = (wire: Wire): void => {
    for (const name of [wire.peerId, addressOf.get(wire)]) if (name) refused.add(name);
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
      for (const wire of senders) {
        if (wire.type === 'webSeed') continue;
        const count = (failures.get(wire) ?? 0) + (senders.size === 1 ? maxSharedFailures : 1);
        failures.set(wire, count);
        if (count >= maxSharedFailures) refuse(wire);
      }
    },
  };
}
