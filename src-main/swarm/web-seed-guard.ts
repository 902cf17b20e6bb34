/** Owns the web seed of one machine: packs of its stores over HTTP on loopback, for its own swarm process alone. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sha256Schema, storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { parseRange } from './http-range.ts';
import { readWithFailover, sizeInStores } from './store-failover.ts';

const loopback = '127.0.0.1';
/** Sizes of packs never change; this many are remembered, so that a range costs one request to the store and not two. */
const maxKnownSizes = 256;

export interface WebSeedGuard {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The URL of a pack for `SwarmClient.download`. It opens the pack to whoever knows it: keep it off logs and reports. */
  urlFor(packDigest: string): string;
  /** Payload given out since the start. */
  bytesServed(): number;
}

/**
 * A guard over `stores`, the first preferred. Reads them with this program's own credentials, so a private bucket can be a
 * web seed. Answers GET and HEAD of one path per pack, from this machine, under a secret part that changes at every start.
 * Source: BEP 19 for what a web seed is asked; RFC 9110 for ranges.
 */
export function createWebSeedGuard(options: {
  readonly stores: readonly BlobStore[];
  readonly logger: Logger;
}): WebSeedGuard {
  const { stores, logger } = options;
  const sizes = new Map<string, number>();
  const ended = new AbortController();
  let secret = Buffer.alloc(0);
  let server: Server | null = null;
  let starting: Promise<void> | null = null;
  let port = 0;
  let bytesServed = 0;

  const sizeOf = async (key: string): Promise<number> => {
    const known = sizes.get(key);
    if (known !== undefined) return known;
    const sizeBytes = await sizeInStores(stores, key);
    const oldest = sizes.keys().next();
    if (sizes.size >= maxKnownSizes && oldest.done !== true) sizes.delete(oldest.value);
    sizes.set(key, sizeBytes);
    return sizeBytes;
  };

  /** The digest that a request may read, or null. A page in a browser is kept out by Host: it cannot name this address. */
  const digestOf = (request: IncomingMessage): string | null => {
    if (request.headers.host !== `${loopback}:${port}`) return null;
    const [, given, digest] = /^\/([\w-]{1,128})\/([0-9a-f]{64})\.tar\.zst$/.exec(request.url ?? '') ?? [];
    if (given === undefined || digest === undefined) return null;
    const bytes = Buffer.from(given);
    return bytes.byteLength === secret.byteLength && timingSafeEqual(bytes, secret) ? digest : null;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const digest = digestOf(request);
    if (digest === null) return refuse(response, 404);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return refuse(response, 405);
    }
    const key = storeKeys.pack(digest);
    const sizeBytes = await sizeOf(key);
    const range = parseRange(request.headers.range, sizeBytes);
    if (range.kind === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${sizeBytes}`);
      return refuse(response, 416);
    }
    const start = range.kind === 'part' ? range.start : 0;
    const end = range.kind === 'part' ? range.end + 1 : sizeBytes;
    if (range.kind === 'part') response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${sizeBytes}`);
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Length', end - start);
    response.statusCode = range.kind === 'part' ? 206 : 200;
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await stream(response, key, start, end);
  };

  const stream = async (response: ServerResponse, key: string, start: number, end: number): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const source = readWithFailover({
      stores,
      key,
      start,
      end,
      signal: AbortSignal.any([gone.signal, ended.signal]),
      onFailure: (store, error) =>
        logger.warn('web_seed.store_failed', { store: store.url, key, reason: messageOf(error) }),
    });
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        yield chunk;
        bytesServed += chunk.byteLength;
      }
    };
    await pipeline(Readable.from(counted(), { objectMode: false }), response);
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch(error => {
      if (response.destroyed || response.headersSent) {
        // The length is promised already: only a broken connection can say that the rest will not come.
        response.destroy();
        return;
      }
      const missing = error instanceof DomainError && error.code === 'store.not_found';
      logger.warn('web_seed.request_failed', { reason: messageOf(error) });
      refuse(response, missing ? 404 : 502);
    });
  };

  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      secret = Buffer.from(randomBytes(32).toString('base64url'));
      const created = createServer(onRequest);
      server = created;
      created.once('error', reject);
      created.listen(0, loopback, () => {
        created.off('error', reject);
        created.on('error', error => logger.error('web_seed.server_failed', { reason: messageOf(error) }));
        const address = created.address();
        if (typeof address === 'object' && address !== null) port = address.port;
        resolve();
      });
    });

  return {
    start: () => {
      if (ended.signal.aborted) return Promise.reject(notRunning());
      starting ??= listen();
      return starting;
    },
    stop: async () => {
      ended.abort();
      const running = server;
      server = null;
      port = 0;
      if (running === null) return;
      await new Promise<void>(resolve => {
        running.close(() => resolve());
        running.closeAllConnections();
      });
    },
    urlFor: packDigest => {
      const digest = sha256Schema.safeParse(packDigest);
      if (!digest.success) throw new DomainError('input.invalid', `${packDigest} is not the digest of a pack.`);
      if (port === 0) throw notRunning();
      return `http://${loopback}:${port}/${secret.toString()}/${digest.data}.tar.zst`;
    },
    bytesServed: () => bytesServed,
  };
}

function refuse(response: ServerResponse, statusCode: number): void {
  response.removeHeader('Content-Length');
  response.statusCode = statusCode;
  response.end();
}

function notRunning(): DomainError {
  return new DomainError('swarm.unavailable', 'The web seed is not running. Start it before using it.');
}
