/** Owns the tracker: who has a pack, told to those alone whose announce an enrolled key has signed. Shares nothing with the API. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server } from 'bittorrent-tracker';
import { keyIdOf } from '../secrets/signing-keys.ts';
import { type AnnounceKeys, createTokenCheck } from './announce-token.ts';

/** Machines ask again this often; one that has not for several times is forgotten. */
const intervalMs = 30_000;
const forgetAfterMs = 4 * intervalMs;
const sweepMs = 60_000;
/** Packs at the same time; only enrolled keys bring new ones. */
const maxTorrents = 10_000;
const maxConnections = 512;
/** An announce has about 500 bytes. */
const maxHeaderBytes = 8 * 1024;
const requestTimeoutMs = 10_000;
const keepAliveMs = 5_000;

/** What clients say that is of use here. bittorrent-tracker would take more from a stranger, and trip over some of it. */
const knownParameters = new Set([
  ...['info_hash', 'peer_id', 'port', 'uploaded', 'downloaded', 'left'],
  ...['event', 'compact', 'numwant', 'token'],
]);

export interface Tracker {
  /** Resolves with the port. Rejects with the system's error. */
  start(): Promise<number>;
  stop(): Promise<void>;
  /** From now on these keys count. */
  setKeys(keys: AnnounceKeys): void;
}

function keysById({ machines, controlCenters }: AnnounceKeys) {
  const entry = (publicKey: string, any: boolean) => [keyIdOf(publicKey), { publicKey, any }] as const;
  return new Map([...machines.map(key => entry(key, false)), ...controlCenters.map(key => entry(key, true))]);
}

/** The path of an announce with what is known of its query; null for any other request. */
function announceUrl({ method, url = '' }: IncomingMessage): string | null {
  const [path, query = '', ...rest] = url.split('?');
  if (method !== 'GET' || path !== '/announce' || rest.length > 0) return null;
  const pairs = query.split('&').filter(pair => knownParameters.has(pair.split('=', 1)[0] ?? ''));
  const names = new Set(pairs.map(pair => pair.split('=', 1)[0]));
  return names.size === pairs.length ? `/announce?${pairs.join('&')}` : null;
}

/** bittorrent-tracker names the one who asks too: other clients take one peer for each address, and would try themselves. */
class Others extends Server.Swarm {
  override _getPeers(count: number, ownPeerId: string, isWebRtc: boolean) {
    return super._getPeers(count, ownPeerId, isWebRtc).filter(peer => peer.peerId !== ownPeerId);
  }
}

/** A tracker at `host`; port 0 takes any free one. Sources: BEP 3, 23 and 7. */
export function createTracker(options: {
  readonly host: string;
  readonly port: number;
  readonly keys: AnnounceKeys;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Hears what ends the tracker after it has started. */
  readonly onFailure: (error: Error) => void;
}): Tracker {
  let check = createTokenCheck(keysById(options.keys));
  let started = false;
  const tracker = new Server({
    udp: false,
    ws: false,
    http: { maxHeaderSize: maxHeaderBytes, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveMs },
    stats: false,
    interval: intervalMs,
    peersCacheTtl: forgetAfterMs,
    filter: (infoHash, { port, token }, done) => {
      const reason = check(token, infoHash, port, options.now());
      if (reason !== null) return done(new Error(reason));
      const isNew = tracker.torrents[infoHash] === undefined;
      if (isNew && Object.keys(tracker.torrents).length >= maxTorrents) return done(new Error('the tracker is full'));
      done(null);
    },
  });
  tracker.createSwarm = (infoHash, done) => {
    const torrent = new Others(infoHash, tracker);
    tracker.torrents[infoHash] = torrent;
    process.nextTick(() => done(null, torrent));
  };
  tracker.http.maxConnections = maxConnections;
  // Before the handler that the library adds in the next tick, which leaves alone what is answered.
  tracker.http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const url = announceUrl(request);
    if (url !== null) request.url = url;
    else response.writeHead(404, { connection: 'close' }).end();
  });

  const sweep = (): void => {
    for (const [infoHash, { peers }] of Object.entries(tracker.torrents)) {
      // Looking at one that was silent for too long removes it.
      for (const key of [...peers.keys]) peers.peek(key);
      if (peers.length === 0) delete tracker.torrents[infoHash];
    }
  };
  const sweeping = setInterval(sweep, sweepMs).unref();

  return {
    start: () =>
      new Promise((resolve, reject) => {
        tracker.on('error', error => {
          if (started) options.onFailure(error);
          reject(error);
        });
        tracker.once('listening', () => {
          started = true;
          const address = tracker.http.address();
          resolve(typeof address === 'object' && address !== null ? address.port : options.port);
        });
        tracker.listen(options.port, options.host);
      }),
    stop: async () => {
      clearInterval(sweeping);
      if (!started) return;
      started = false;
      await new Promise<void>(resolve => {
        tracker.close(resolve);
        tracker.http.closeAllConnections();
      });
    },
    setKeys: keys => {
      check = createTokenCheck(keysById(keys));
    },
  };
}
