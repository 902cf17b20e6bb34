/** Owns the types of the part of bittorrent-tracker that Slipway uses; the package ships none. Source: its code, 11.2.3. */

declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer, ServerOptions } from 'node:http';

  /** One request to announce: `infoHash` in hex, the other fields as the query has them, once or several times. */
  export interface AnnounceParameters {
    readonly port: number;
    readonly token?: string | string[];
  }

  export interface TrackedPeer {
    /** 40 hex digits. */
    readonly peerId: string;
  }

  /** Who has one pack, or a part of it. */
  export class TrackedTorrent {
    constructor(infoHash: string, server: Server);
    readonly peers: { readonly keys: readonly string[]; readonly length: number; peek(key: string): unknown };
    /** Not in the public interface: the peers of an answer. */
    _getPeers(count: number, ownPeerId: string, isWebRtc: boolean): TrackedPeer[];
  }

  export class Server extends EventEmitter<{ listening: []; start: [address: string]; error: [error: Error] }> {
    constructor(options: {
      udp: boolean;
      ws: boolean;
      http: boolean | ServerOptions;
      stats: boolean;
      /** Milliseconds. */
      interval: number;
      /** Milliseconds after which a machine that was silent is forgotten. */
      peersCacheTtl?: number;
      filter?: (infoHash: string, parameters: AnnounceParameters, done: (error: Error | null) => void) => void;
    });
    readonly http: HttpServer;
    readonly torrents: Record<string, TrackedTorrent>;
    static readonly Swarm: typeof TrackedTorrent;
    /** Meant to be replaced: makes the torrent of an info hash that is new. */
    createSwarm: (infoHash: string, done: (error: null, torrent: TrackedTorrent) => void) => void;
    listen(port: number, host: string): void;
    close(done: () => void): void;
  }
}
