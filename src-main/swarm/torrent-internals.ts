/** Owns the members of webtorrent that are not in its public interface and that the swarm cannot do without. Each says why. */
import type WebTorrent from 'webtorrent';
import type { Torrent, Wire } from 'webtorrent';

/**
 * Takes a piece that lies on disk, checked, into the torrent: it is announced in bitfields and given to others from now on.
 * webtorrent has no public way to add a piece that it did not fetch itself, short of reading the whole file again.
 */
export function markVerified(torrent: Torrent, pieceIndex: number): void {
  torrent._markVerified(pieceIndex);
}

/** Has webtorrent see that the last piece is there: it emits `done`. Its own call of this is in the fetching that the plan replaces. */
export function checkDone(torrent: Torrent): void {
  torrent._checkDone();
}

/**
 * Has webtorrent not look for something to fetch. Nothing is selected, so it never finds anything, but it looks at every connection
 * at every `have` of each of them.
 */
export function stopOwnFetching(torrent: Torrent): void {
  torrent._update = () => undefined;
}

/**
 * Has a connection whose handshake asks for a torrent that is not there wait for `fetch`, which may bring it. webtorrent waits
 * for this very answer before it reads on, and has no public event for it.
 */
export function whenAskedFor(client: WebTorrent, fetch: (handshakeHash: string) => Promise<void>): void {
  const find = client._getByHash.bind(client);
  client._getByHash = async handshakeHash => {
    const found = await find(handshakeHash);
    if (found !== null) return found;
    await fetch(handshakeHash);
    return find(handshakeHash);
  };
}

/** Bytes that were given to the connection and that the other side has not taken yet. webtorrent itself never looks at them. */
export function unsentBytes(wire: Wire): number {
  return wire._readableState.buffered;
}

/** Whether the two sides began with the encrypted handshake, whatever they chose for the payload. webtorrent accepts the plain one too. */
export function hasEncryptedHandshake(wire: Wire): boolean {
  return typeof wire._encryptor?.encryptionMethod === 'number';
}

/**
 * Has a connection put together what it received once per message. bittorrent-protocol 5.0 does it at every arrival, copying all
 * that is there of an unfinished message again each time: on a slow link, several times the payload.
 */
export function assembleOncePerMessage(wire: Wire): void {
  wire._write = (data, done) => {
    const bytes = wire._encryptor?.decrypt(data) ?? data;
    wire._bufferSize += bytes.byteLength;
    wire._buffer.push(bytes);
    if (wire._bufferSize >= wire._parserSize || wire._cryptoSyncPattern !== null) {
      if (wire._buffer.length > 1) wire._buffer = [Buffer.concat(wire._buffer, wire._bufferSize)];
      wire._processBuffer();
    }
    done(null);
  };
}
