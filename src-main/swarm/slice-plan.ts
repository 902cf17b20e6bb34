/** Owns which piece a machine asks a full source for first, so that machines that load the same pack ask for different ones. Pure. */

export interface SlicePlan {
  /** Who shares the pieces: this machine and the incomplete ones that it is connected to. Ids in any order, the same everywhere. */
  share(ownId: string, otherIds: Iterable<string>): void;
  /**
   * Lower is sooner. Pieces of the own slice come first, in an order that differs between machines; then those of the machine
   * after, from the end that it comes to last; then of the one after that.
   */
  urgency(piece: number): number;
  /** The machine whose slice the piece is in. */
  ownerOf(piece: number): string;
}

/** Scatters neighbours. Source: the finalizer of MurmurHash3, public domain. */
function scatter(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A number of an id in hex. */
function numberOf(id: string): number {
  let value = 0;
  for (let index = 0; index < id.length; index += 1) value = scatter(value ^ id.charCodeAt(index));
  return value;
}

/**
 * A plan for `pieceCount` pieces. Every machine shuffles them in the same way and deals them out in turn to the machines in the
 * order of their ids, so that slices differ by one piece at most and nobody has to agree on anything.
 */
export function createSlicePlan(pieceCount: number): SlicePlan {
  /** The place of each piece in the shuffle. */
  const places = new Uint32Array(pieceCount);
  const shuffled = Array.from({ length: pieceCount }, (_, piece) => piece).sort((a, b) => scatter(a) - scatter(b));
  for (const [place, piece] of shuffled.entries()) places[piece] = place;
  /** Where in the shuffle each machine begins. */
  let starts: number[] = [0];
  let own = 0;
  let ids: string[] = [''];

  return {
    ownerOf: piece => ids[(places[piece] ?? 0) % ids.length] ?? '',
    share: (ownId, otherIds) => {
      ids = [...new Set([ownId, ...otherIds])].sort();
      own = ids.indexOf(ownId);
      starts = ids.map(id => numberOf(id) % Math.max(1, pieceCount));
    },
    urgency: piece => {
      const place = places[piece] ?? 0;
      const owner = place % starts.length;
      const turn = (place - (starts[owner] ?? 0) + pieceCount) % pieceCount;
      const distance = (owner - own + starts.length) % starts.length;
      return distance * pieceCount + (distance === 0 ? turn : pieceCount - 1 - turn);
    },
  };
}
