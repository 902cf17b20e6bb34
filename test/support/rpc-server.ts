/** Owns a real oRPC server over a WebSocket on loopback, for tests of the interface's client. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { implement, type Router } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer } from 'ws';
import { api } from '../../src-main/contract/api.ts';

export const apiImplementer = implement(api);
type Context = Record<never, never>;

/** A server that takes one token; `stop` cuts every connection, `start` opens the same port again. */
export class RpcServer {
  port = 0;
  /** Connections that were opened since the beginning. */
  connections = 0;
  readonly #token: string;
  readonly #handler: RPCHandler<Context>;
  #http: Server | null = null;
  #sockets: WebSocketServer | null = null;

  // biome-ignore lint/suspicious/noExplicitAny: the library's own type for a router of any inputs
  constructor(token: string, router: Router<any, Context>) {
    this.#token = token;
    this.#handler = new RPCHandler(router);
  }

  async start(): Promise<void> {
    const http = createServer((_request, response) => {
      response.statusCode = 401;
      response.end();
    });
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'slipway' });
    http.on('upgrade', (request, socket, head) => {
      const offered = request.headers['sec-websocket-protocol'] ?? '';
      if (request.url !== '/rpc' || !offered.split(/,\s*/).includes(`slipway-token.${this.#token}`)) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
        return;
      }
      sockets.handleUpgrade(request, socket, head, opened => {
        this.connections += 1;
        void this.#handler.upgrade(opened, { context: {} });
      });
    });
    await new Promise<void>(resolve => http.listen(this.port, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = http.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    this.port = address.port;
    this.#http = http;
    this.#sockets = sockets;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets?.clients ?? []) socket.terminate();
    this.#sockets?.close();
    const http = this.#http;
    this.#http = null;
    this.#sockets = null;
    if (!http) return;
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  }
}
