/** Owns who sent a wrong piece of one torrent, and is not listened to again. */
import type { Wire } from 'webtorrent';

export interface BannedPeers {
  /** Ends a connection of somebody who is banned; true when it did. */
  refuse(wire: Wire, address: string | undefined): boolean;
  /** Ends the connection, and every later one of the same address or peer id. */
  ban(wire: Wire): void;
}

/**
 * A piece has one sender, so a wrong one convicts it. The web seed is no exception: a damaged blob would be read over and over,
 * at the store's price.
 */
export function createBannedPeers(): BannedPeers {
  const addressOf = new WeakMap<Wire, string>();
  const banned = new Set<string>();
  return {
    refuse: (wire, address) => {
      if (address !== undefined) addressOf.set(wire, address);
      const isBanned = [wire.peerId, address].some(name => typeof name === 'string' && banned.has(name));
      if (isBanned) wire.destroy();
      return isBanned;
    },
    ban: wire => {
      for (const name of [wire.peerId, addressOf.get(wire)]) if (name) banned.add(name);
      wire.destroy();
    },
  };
}
