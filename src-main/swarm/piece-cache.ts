/** Owns the pieces that are kept in memory because somebody is about to ask for them again, of all torrents together. Knows no file. */

/** Eight of the largest pieces. */
const maxBytes = 32 * 1024 * 1024;

export interface PieceCache {
  get(owner: object, piece: number): Uint8Array | null;
  put(owner: object, piece: number, bytes: Uint8Array): void;
  /** Forgets all pieces of an owner. */
  drop(owner: object): void;
}

/** What was used least recently goes first. */
export function createPieceCache(): PieceCache {
  const entries = new Map<string, { readonly owner: object; readonly bytes: Uint8Array }>();
  const numbers = new WeakMap<object, number>();
  let owners = 0;
  let heldBytes = 0;

  const keyOf = (owner: object, piece: number): string => {
    const number = numbers.get(owner) ?? owners++;
    numbers.set(owner, number);
    return `${number} ${piece}`;
  };
  const remove = (key: string): void => {
    heldBytes -= entries.get(key)?.bytes.byteLength ?? 0;
    entries.delete(key);
  };

  return {
    get: (owner, piece) => {
      const key = keyOf(owner, piece);
      const entry = entries.get(key);
      if (entry === undefined) return null;
      entries.delete(key);
      entries.set(key, entry);
      return entry.bytes;
    },
    put: (owner, piece, bytes) => {
      const key = keyOf(owner, piece);
      remove(key);
      if (bytes.byteLength > maxBytes) return;
      entries.set(key, { owner, bytes });
      heldBytes += bytes.byteLength;
      for (const oldest of entries.keys()) {
        if (heldBytes <= maxBytes) break;
        remove(oldest);
      }
    },
    drop: owner => {
      for (const [key, entry] of [...entries]) if (entry.owner === owner) remove(key);
    },
  };
}
