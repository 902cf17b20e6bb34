/** Owns how webtorrent is set up: plain TCP on one address, and none of the ways by which a private torrent could be announced. */
import type { AddressInfo } from 'node:net';
import WebTorrent from 'webtorrent';
import { boundPeerProtocol } from './peer-protocol.ts';

/** Of one torrent. Each holds at most what was asked for in advance. */
const maxConnections = 100;

export interface ClientOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly listenHost: string;
  readonly uploadLimitBytesPerSecond: number | null;
  readonly downloadLimitBytesPerSecond: number | null;
}

/**
 * A client that listens; rejects with the system's error when it cannot. `onFailure` hears what ends the client later.
 *
 * webtorrent 3.0 listens on every interface, as soon as it is made, and has no option for another address. Binding happens at
 * once but connections are accepted in a later turn, so the server is closed and bound again to the wanted address before
 * anyone could have reached it. Source: lib/conn-pool.js of webtorrent 3.0.21.
 */
export function openTorrentClient(options: ClientOptions, onFailure: (error: Error) => void): Promise<WebTorrent> {
  boundPeerProtocol();
  const client = new WebTorrent({
    torrentPort: 0,
    dht: false,
    lsd: false,
    tracker: false,
    utPex: false,
    utp: false,
    natUpnp: false,
    natPmp: false,
    webSeeds: true,
    maxConns: maxConnections,
    // The handshake is keyed by the info hash, so whoever does not know the pack gets no answer that means anything. The payload
    // goes in clear: packs are checked by digest and signature, and RC4 would cost more than all the rest.
    secure: 1,
    uploadLimit: options.uploadLimitBytesPerSecond ?? -1,
    downloadLimit: options.downloadLimitBytesPerSecond ?? -1,
  });
  const server = client._connPool?.tcpServer;
  return new Promise((resolve, reject) => {
    client.on('error', error => {
      reject(error);
      onFailure(error);
    });
    client.once('listening', () => resolve(client));
    if (server === undefined) {
      reject(new Error('webtorrent has no TCP server in this build.'));
      return;
    }
    server.close();
    server.listen({ port: options.port, host: options.listenHost });
  });
}

/** The port that the client listens on. */
export function listeningPort(client: WebTorrent): number {
  const address: AddressInfo | string | null | undefined = client._connPool?.tcpServer.address();
  return typeof address === 'object' && address !== null ? address.port : client.torrentPort;
}

/** Changes the limits of all torrents together; null is no limit. */
export function setLimits(client: WebTorrent, options: ClientOptions): void {
  client.throttleUpload(options.uploadLimitBytesPerSecond ?? -1);
  client.throttleDownload(options.downloadLimitBytesPerSecond ?? -1);
}
