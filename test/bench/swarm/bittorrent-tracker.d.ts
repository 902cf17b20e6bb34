/** Owns the types of the part of bittorrent-tracker that the bench uses; the package ships none. Source: its code, 11.2.3. */

declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer } from 'node:http';

  export class Server extends EventEmitter<{ listening: []; start: [address: string] }> {
    constructor(options: { udp: boolean; ws: boolean; http: boolean; stats: boolean; interval: number });
    readonly http: HttpServer;
    listen(port: number, host: string): void;
    close(done: () => void): void;
  }
}
