/** Owns the types of the part of bittorrent-tracker that Slipway uses; the package ships none. Source: its code, 11.2.3. */

declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer, ServerOptions } from 'node:http';

  /** One request to announce: `infoHash` in hex, the other fields as the query has them, once or several times. */
  export interface AnnounceParameters {
    readonly port: number;
    readonly token?: string | string[];
  }

  export interface TrackedTorrent {
    readonly peers: { readonly keys: readonly string[]; readonly length: number; peek(key: string): unknown };
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
    listen(port: number, host: string): void;
    close(done: () => void): void;
  }
}
