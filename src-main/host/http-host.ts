/** Owns the loopback host: the interface's files, the WebSocket, and REST under /api, all on 127.0.0.1. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { OpenAPIGenerator } from '@orpc/openapi';
import { OpenAPIHandler } from '@orpc/openapi/node';
import { ORPCError } from '@orpc/server';
import { BodyLimitPlugin } from '@orpc/server/node';
import { RPCHandler } from '@orpc/server/ws';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { WebSocketServer } from 'ws';
import { api } from '../contract/api.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { version } from '../domain/version.ts';
import type { Metrics } from '../interchange/metrics.ts';
import type { Logger } from '../telemetry/logger.ts';
import { newHostToken } from './host-file.ts';
import { bearerToken, isToken, protocolToken, type Refusal, refuseForeign } from './request-guard.ts';
import type { EngineRouter } from './router.ts';
import type { StaticFiles } from './static-files.ts';

/** A body of the API is settings and short texts. */
const maxBodyBytes = 1024 * 1024;

export interface HttpHost {
  readonly port: number;
  readonly token: string;
  /** Where to open the interface, with the token in the fragment, which never leaves the browser. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves a router on loopback. Port 0 takes any. Throws `host.port_in_use`. */
export async function startHttpHost(options: {
  readonly router: EngineRouter;
  readonly files: StaticFiles;
  readonly metrics: Pick<Metrics, 'scrape'>;
  readonly port: number;
  /** Left out: a new one. */
  readonly token?: string;
  readonly logger: Logger;
}): Promise<HttpHost> {
  const { router, files, metrics, logger } = options;
  const token = options.token ?? newHostToken();
  const rest = new OpenAPIHandler(router, {
    plugins: [new BodyLimitPlugin({ maxBodySize: maxBodyBytes })],
    interceptors: [({ next }) => next().catch(error => Promise.reject(unreadableBody(error)))],
  });
  const rpc = new RPCHandler(router);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxBodyBytes,
    handleProtocols: protocols => (protocols.has('slipway') ? 'slipway' : false),
  });
  let openApi: Promise<unknown> | null = null;
  const describe = () => {
    openApi ??= new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] }).generate(api, {
      info: { title: 'Slipway', version },
      servers: [{ url: '/api' }],
      security: [{ token: [] }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    });
    return openApi;
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      logger.error('host.request_failed', { url: request.url, error });
      if (!response.headersSent) refuse(response, { status: 403, message: 'The request could not be answered.' });
      else response.destroy();
    });
  });
  const port = await listen(server, options.port);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const foreign = refuseForeign(request.headers, port);
    if (foreign) return refuse(response, foreign);
    const path = request.url?.split('?', 1)[0] ?? '/';
    if (path === '/api' || path.startsWith('/api/')) {
      if (!isToken(token, bearerToken(request.headers))) return refuse(response, unauthorized);
      if (path === '/api/openapi.json') return json(response, 200, await describe());
      const { matched } = await rest.handle(request, response, { prefix: '/api', context: {} });
      if (!matched)
        json(response, 404, errorBody('not_found', `There is no ${request.method} ${path}. See /api/openapi.json.`));
      return;
    }
    if (path === '/metrics') return sendMetrics(request, response);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && files.serve(path, response, request.method === 'HEAD')) return;
    const missing = files.isEmpty ? 'The interface is not built. Run "npm run build".' : 'There is nothing here.';
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end(`${missing}\n`);
  }

  async function sendMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const scraped = await metrics.scrape(bearerToken(request.headers));
    if (scraped === null) return refuse(response, noMetrics);
    response.writeHead(200, { 'content-type': scraped.contentType, 'cache-control': 'no-store' }).end(scraped.text);
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node hands the socket over without a listener: a peer that resets it would end the engine. Source: http, event 'upgrade'.
    socket.on('error', () => socket.destroy());
    const refusal =
      refuseForeign(request.headers, port) ??
      (isToken(token, protocolToken(request.headers)) ? null : unauthorized) ??
      (request.url?.split('?', 1)[0] === '/rpc' ? null : { status: 403, message: 'There is no socket here.' });
    if (refusal) {
      socket.end(`HTTP/1.1 ${refusal.status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, connection => {
      connection.on('error', error => logger.warn('host.socket_failed', { error }));
      rpc.upgrade(connection, { context: {} }).catch(error => logger.error('host.upgrade_failed', { error }));
    });
  });

  return {
    port,
    token,
    url: `http://127.0.0.1:${port}/#token=${token}`,
    async stop() {
      for (const connection of sockets.clients) connection.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** The router speaks only of what it was handed; a body that could not be read or parsed never came that far. */
function unreadableBody(error: unknown): unknown {
  const isTooLarge = error instanceof ORPCError && error.code === 'PAYLOAD_TOO_LARGE';
  if (error instanceof ORPCError && !isTooLarge) return error;
  const view = new DomainError(
    'input.invalid',
    isTooLarge
      ? 'The request is larger than 1 MiB.'
      : 'The body of the request is not JSON. Send it as application/json.',
  ).toView();
  return new ORPCError(view.code, { status: isTooLarge ? 413 : 400, message: view.message, data: view });
}

const noMetrics: Refusal = {
  status: 401,
  message: 'Metrics are off, or their token is another one. See "slipway metrics".',
};
const unauthorized: Refusal = { status: 401, message: 'A token is needed: "Authorization: Bearer …".' };

function errorBody(code: 'not_found' | 'api.unauthorized', message: string) {
  const view = new DomainError(code, message).toView();
  return { defined: false, code, message, data: view };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(body)}\n`);
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  json(response, refusal.status, errorBody('api.unauthorized', refusal.message));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', error => {
      reject(
        systemErrorCode(error) === 'EADDRINUSE'
          ? new DomainError(
              'host.port_in_use',
              `Port ${port} is in use. Choose another with --port, or end what uses it.`,
              {
                port,
              },
            )
          : error,
      );
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve((server.address() as AddressInfo).port));
  });
}
