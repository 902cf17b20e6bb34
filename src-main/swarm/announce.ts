/** Owns one question to a tracker: who else has a pack. Takes the answer for what it may be: somebody else's guess. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { PeerAddress } from './messages.ts';
import { type Bencoded, type BencodedDictionary, readBencode } from './read-bencode.ts';

/** Of all peers together, as many as a machine tries. */
const maxPeers = 50;
/** Many times what that many peers take. */
const maxAnswerBytes = 64 * 1024;
const timeoutMs = 10_000;
const ipv4Bytes = 4;
const ipv6Bytes = 16;
const portBytes = 2;

export interface Announcement {
  /** 40 hex digits. */
  readonly infoHash: string;
  /** 40 hex digits. */
  readonly peerId: string;
  readonly port: number;
  readonly leftBytes: number;
  readonly token: string;
}

export interface TrackerAnswer {
  readonly peers: readonly PeerAddress[];
  /** As the tracker wishes; the caller bounds it. */
  readonly intervalMs: number;
}

/** Bytes as a query has them. Source: BEP 3, "Trackers". */
function escaped(hex: string): string {
  return hex.replace(/../g, '%$&');
}

export function announceUrl(tracker: string, announcement: Announcement): URL {
  const url = new URL(tracker);
  const { infoHash, peerId, port, leftBytes, token } = announcement;
  const query = `info_hash=${escaped(infoHash)}&peer_id=${escaped(peerId)}&port=${port}&uploaded=0&downloaded=0`;
  const wanted = leftBytes === 0 ? 0 : maxPeers;
  url.search = `?${query}&left=${leftBytes}&compact=1&numwant=${wanted}&token=${token}`;
  return url;
}

function peersIn(bytes: Bencoded | undefined, addressBytes: number): PeerAddress[] {
  if (!(bytes instanceof Uint8Array)) return [];
  const entryBytes = addressBytes + portBytes;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const peers: PeerAddress[] = [];
  for (let at = 0; at + entryBytes <= view.byteLength && peers.length < maxPeers; at += entryBytes) {
    const address = view.subarray(at, at + addressBytes);
    const host =
      addressBytes === ipv4Bytes
        ? address.join('.')
        : Array.from({ length: 8 }, (_, index) => address.readUInt16BE(index * 2).toString(16)).join(':');
    const port = view.readUInt16BE(at + addressBytes);
    if (port > 0) peers.push({ host, port });
  }
  return peers;
}

/** Throws an Error that says what is wrong with it. Sources: BEP 3, 23 (compact peers), 7 (of IPv6). */
export function parseAnswer(bytes: Uint8Array): TrackerAnswer {
  const { value } = readBencode(bytes);
  if (!isDictionary(value)) throw new Error('It is no dictionary.');
  const failure = value.get('failure reason');
  if (failure instanceof Uint8Array) throw new Error(Buffer.from(failure).toString('utf8').slice(0, 200));
  const interval = value.get('interval');
  return {
    peers: [...peersIn(value.get('peers'), ipv4Bytes), ...peersIn(value.get('peers6'), ipv6Bytes)].slice(0, maxPeers),
    intervalMs: typeof interval === 'number' ? interval * 1_000 : 0,
  };
}

function isDictionary(value: Bencoded): value is BencodedDictionary {
  return value instanceof Map;
}

function fetchBounded(url: URL, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // A redirect is no answer: who runs the tracker says where it is.
    const asking = request(url, { signal, headers: { connection: 'close' } }, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size > maxAnswerBytes) response.destroy(new Error('Its answer is longer than 64 KiB.'));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`It answered with status ${response.statusCode}.`));
      });
      response.once('error', reject);
    });
    asking.once('error', reject);
    asking.end();
  });
}

/** Throws `swarm.tracker_failed`, also for an answer that makes no sense; the signal's reason. May be repeated. */
export async function announce(
  tracker: string,
  announcement: Announcement,
  signal: AbortSignal,
): Promise<TrackerAnswer> {
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    return parseAnswer(await fetchBounded(announceUrl(tracker, announcement), either));
  } catch (error) {
    signal.throwIfAborted();
    throw new DomainError(
      'swarm.tracker_failed',
      `The tracker ${tracker} gave no peers: ${messageOf(error)} Machines find each other by their reports in the store all the same.`,
      { tracker },
    );
  }
}
