/** Tests the connection, the feed and the errors against a real server over a real WebSocket. */
import { createORPCClient, ORPCError } from '@orpc/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import type { EngineEvent, Push } from '../../../src-main/contract/events.ts';
import type { Client } from '../../../src-renderer/client/client.ts';
import { backoffMs, Connection, type ConnectionState } from '../../../src-renderer/client/connection.ts';
import { toDomainError } from '../../../src-renderer/client/errors.ts';
import { webSocketTransport } from '../../../src-renderer/client/transports.ts';
import { Feed, feedStore } from '../../../src-renderer/state/feed.ts';
import { apiImplementer as os, RpcServer } from '../../support/rpc-server.ts';

const token = 'a-token';
const repositoryId = '0198f3a0-1111-7222-8333-444455556666';

/** The events of the engine, and whoever waits for the next one. */
let log: EngineEvent[] = [];
let wake: (() => void)[] = [];
let asked: number[] = [];

function emit(type: EngineEvent['type'], data: EngineEvent['data'] = {}): void {
  log.push({ cursor: log.length + 1, atMs: 1, type, repositoryId, jobId: null, subjectId: null, data });
  for (const resolve of wake.splice(0)) resolve();
}

const router = {
  engine: {
    status: os.engine.status.handler(() => ({
      version: '1',
      host: 'headless' as const,
      dataFolder: '/data',
      rootPublicKey: 'key',
      startedAtMs: 1,
      nowMs: 1,
      eventCursor: log.length,
      polling: { repositories: 0, failing: 0, lastPollAtMs: null, intervalMs: 10_000 },
      workers: { busy: 0, total: 1, paused: false, mode: 'running', wanted: 1, sizeReason: 'set by hand' },
      swarm: { uploadBytesPerSecond: 0, downloadBytesPerSecond: 0, torrents: 0 },
      problems: [],
    })),
  },
  events: {
    list: os.events.list.handler(({ input }) => log.filter(event => event.cursor > input.after)),
    subscribe: os.events.subscribe.handler(async function* ({ input, signal }): AsyncGenerator<Push, void> {
      let after = input.after ?? log.length;
      asked.push(after);
      while (!signal?.aborted) {
        for (const event of log.filter(item => item.cursor > after)) {
          after = event.cursor;
          yield { kind: 'event', event };
        }
        await new Promise<void>(resolve => {
          wake.push(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }),
  },
  jobs: {
    get: os.jobs.get.handler(() => {
      const error = new DomainError('not_found', 'There is no such job.', { id: 'x' });
      throw new ORPCError('NOT_FOUND', { message: error.message, data: error.toView() });
    }),
  },
};

let server: RpcServer;
let connection: Connection;

function connect(withToken: string | null = token): Client {
  vi.stubGlobal('location', { protocol: 'http:', host: `127.0.0.1:${server.port}` });
  connection = new Connection(webSocketTransport(withToken));
  connection.start();
  return createORPCClient<Client>({
    async call(path, input, options) {
      const link = await connection.link();
      if (!link) throw new Error('offline');
      return link.call(path, input, options);
    },
  });
}

/** Waits until the connection is in a state. */
function reached(kind: ConnectionState['kind']): Promise<ConnectionState> {
  return new Promise(resolve => {
    const check = (state: ConnectionState) => {
      if (state.kind !== kind) return;
      unsubscribe();
      resolve(state);
    };
    const unsubscribe = connection.state.subscribe(check);
    check(connection.state.getState());
  });
}

beforeEach(async () => {
  log = [];
  wake = [];
  asked = [];
  server = new RpcServer(token, router);
  await server.start();
});

afterEach(async () => {
  connection.stop();
  await server.stop();
  vi.unstubAllGlobals();
});

describe('the connection', () => {
  it('carries the token in the subprotocol', async () => {
    const client = connect();
    expect((await client.engine.status()).version).toBe('1');
  });

  it('says that the address is not valid any more, and does not try again', async () => {
    // The page's own origin: a plain request tells a refusal from an engine that is gone.
    const answered = globalThis.fetch;
    vi.stubGlobal('fetch', (path: string, init: RequestInit) =>
      answered(`http://127.0.0.1:${server.port}${path}`, init),
    );
    connect('another-token');
    const state = await reached('offline');
    expect(state).toMatchObject({ retryAtMs: null, reason: expect.stringContaining('started again') });
  });

  it('asks for an address with a token when there is none', async () => {
    connect(null);
    expect(await reached('offline')).toMatchObject({ retryAtMs: null });
  });

  it('comes back by itself when the engine does', async () => {
    const client = connect();
    await client.engine.status();
    await server.stop();
    expect(await reached('offline')).toMatchObject({ retryAtMs: expect.any(Number) });
    await server.start();
    connection.retryNow();
    await reached('online');
    expect((await client.engine.status()).version).toBe('1');
    expect(server.connections).toBe(2);
  });

  it('waits longer after each failure, up to five seconds', () => {
    expect([1, 2, 3, 4, 5, 50].map(backoffMs)).toEqual([500, 1_000, 1_000, 1_000, 1_000, 1_000]);
  });
});

describe('errors', () => {
  it('keep code, message, details and retry on the way', async () => {
    const client = connect();
    const error = await client.jobs.get({ id: repositoryId }).then(
      () => null,
      thrown => toDomainError(thrown),
    );
    expect(error?.toView()).toEqual({
      code: 'not_found',
      message: 'There is no such job.',
      details: { id: 'x' },
      retry: 'user',
    });
  });

  it('name the field of refused input', () => {
    const refused = new ORPCError('BAD_REQUEST', { data: { issues: [{ path: ['url'], message: 'a URL is needed' }] } });
    expect(toDomainError(refused)).toMatchObject({ code: 'input.invalid', message: 'url: a URL is needed' });
  });

  it('are internal where nobody expected them', () => {
    expect(toDomainError(new TypeError('x is not a function')).code).toBe('internal');
  });
});

describe('the feed', () => {
  it('misses nothing over a lost connection, and hears nothing twice', async () => {
    const client = connect();
    const heard: number[] = [];
    const waiting = new Map<number, () => void>();
    const queries = { receive: vi.fn(), refetchAll: vi.fn() };
    const feed = new Feed(client, connection, queries);
    feed.listen(push => {
      if (push.kind !== 'event') return;
      heard.push(push.event.cursor);
      waiting.get(push.event.cursor)?.();
    });
    const hears = (cursor: number) => new Promise<void>(resolve => waiting.set(cursor, resolve));
    emit('worker.lost', { message: 'before the window was opened' });
    const subscribed = new Promise<void>(resolve => queries.refetchAll.mockImplementation(resolve));
    feed.start();
    await subscribed;

    const second = hears(2);
    emit('job.queued');
    await second;
    await server.stop();
    await reached('offline');
    emit('machine.failed', { message: 'while nobody listened' });
    const fourth = hears(4);
    await server.start();
    connection.retryNow();
    await reached('online');
    emit('job.started');
    await fourth;
    feed.stop();

    expect(heard).toEqual([2, 3, 4]);
    expect(asked).toEqual([1, 2]);
    expect(queries.receive).toHaveBeenCalledTimes(3);
    expect(feedStore.getState().notices.map(notice => notice.detail)).toEqual([
      'while nobody listened',
      'before the window was opened',
    ]);
  });
});
