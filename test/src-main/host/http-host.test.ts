import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startEngine } from '../../../src-main/compose.ts';
import type { api } from '../../../src-main/contract/api.ts';
import { errorViewSchema } from '../../../src-main/contract/error-schemas.ts';
import { engineStatusSchema } from '../../../src-main/contract/views/engine.ts';
import { appendEvent } from '../../../src-main/database/events.ts';
import { version } from '../../../src-main/domain/version.ts';
import { startHttpHost } from '../../../src-main/host/http-host.ts';
import { createRouter } from '../../../src-main/host/router.ts';
import { listStaticFiles } from '../../../src-main/host/static-files.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { startTestHost } from '../../support/engine.ts';
import { endsWithFile } from '../../support/for-this-file.ts';

const onEnd = endsWithFile();
let running: Awaited<ReturnType<typeof startTestHost>>;

beforeAll(async () => {
  running = await startTestHost(onEnd);
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A request as it is written: no client of ours tidies its path or its headers. */
function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const { port } = running.host;
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      method: options.method ?? 'GET',
      headers: options.headers,
    });
    outgoing.on('error', reject);
    outgoing.on('response', response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.end(options.body);
  });
}

const authorized = () => ({ authorization: `Bearer ${running.host.token}` });
const call = (path: string, body?: unknown) =>
  ask(`/api${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...authorized(), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const errorOf = (answer: Answer) => errorViewSchema.parse(JSON.parse(answer.body).data);

describe('the API', () => {
  it('answers with the right token alone', async () => {
    expect((await ask('/api/status')).status).toBe(401);
    expect((await ask('/api/status', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await ask(`/api/status?token=${running.host.token}`)).status).toBe(401);
    expect((await ask('/api/status', { headers: { cookie: `token=${running.host.token}` } })).status).toBe(401);
    const answer = await call('/status');
    expect(answer.status).toBe(200);
    expect(engineStatusSchema.parse(JSON.parse(answer.body))).toMatchObject({ version, host: 'headless' });
  });

  it.each([
    ['another Host', { host: 'evil.test' }, 421],
    ['another Origin', { origin: 'http://evil.test' }, 403],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['a page elsewhere', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, 403],
  ])('refuses %s, whatever the token', async (_what, headers, status) => {
    const answer = await ask('/api/status', { headers: { ...authorized(), ...headers } });
    expect(answer.status).toBe(status);
    expect(errorOf(answer).code).toBe('api.unauthorized');
  });

  it('describes itself', async () => {
    const document = JSON.parse((await call('/openapi.json')).body);
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/status', '/repositories', '/jobs/{id}/log']));
    expect((await ask('/api/openapi.json')).status).toBe(401);
  });

  it('names the field that does not fit', async () => {
    const region = { name: '', latitude: 1, longitude: 1, storeUrl: '/x' };
    const answer = await call('/regions', region);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({
      code: 'input.invalid',
      message: expect.stringContaining('name'),
      details: { fields: [expect.objectContaining({ field: 'name' })] },
    });
    expect(errorOf(await call('/regions', { ...region, name: 'eu', latitude: 91 })).message).toContain('latitude');
  });

  it.each([
    ['a URL that is none', { url: 'no such thing' }, 422, 'git.url_invalid'],
    ['a folder that is no repository', { url: '/nowhere/at/all' }, 422, 'git.not_found'],
    ['no URL', {}, 400, 'input.invalid'],
    ['a branch that cannot be', { url: '/x', branch: '../evil' }, 400, 'input.invalid'],
  ])('adds no repository from %s', async (_what, body, status, code) => {
    const answer = await call('/repositories', body);
    expect(answer.status).toBe(status);
    expect(errorOf(answer)).toMatchObject({ code, retry: 'user' });
    expect(JSON.parse((await call('/repositories')).body)).toEqual([]);
  });

  it('tells what is not there', async () => {
    const id = '01900000-0000-7000-8000-000000000000';
    const missing = await call(`/jobs/${id}`);
    expect(missing.status).toBe(404);
    expect(errorOf(missing)).toMatchObject({ code: 'not_found', message: expect.stringContaining(id) });
    expect(errorOf(await call('/jobs/not-an-id')).code).toBe('input.invalid');
    expect(errorOf(await call('/no/such/path')).code).toBe('not_found');
  });

  it('refuses a body that is not JSON, or is too large', async () => {
    const headers = { ...authorized(), 'content-type': 'application/json' };
    const broken = await ask('/api/repositories', { method: 'POST', headers, body: '{"url": ' });
    expect(broken.status).toBe(400);
    expect(errorOf(broken)).toMatchObject({ code: 'input.invalid', message: expect.stringContaining('JSON') });
    const body = JSON.stringify({ url: 'x'.repeat(2 * 1024 * 1024) });
    const framings: Record<string, string>[] = [
      { 'content-length': String(body.length) },
      { 'transfer-encoding': 'chunked' },
    ];
    for (const framing of framings) {
      const large = await ask('/api/repositories', { method: 'POST', headers: { ...headers, ...framing }, body });
      expect(large.status).toBe(413);
      expect(errorOf(large).code).toBe('input.invalid');
    }
    expect((await call('/status')).status).toBe(200);
  });

  it('refuses a region whose store cannot be used, and saves nothing', async () => {
    const region = { name: 'eu', latitude: 1, longitude: 1 };
    const missing = await call('/regions', { ...region, storeUrl: `${running.folder}/missing` });
    expect(errorOf(missing).code).toMatch(/^store\./);
    const main = await call('/regions', { ...region, storeUrl: `${running.folder}/data/store` });
    expect(errorOf(main).code).toBe('conflict');
    expect(JSON.parse((await call('/regions')).body)).toHaveLength(1);
  });

  it('ends the engine after it has answered', async () => {
    expect(JSON.parse((await call('/stop', {})).body)).toEqual({ done: true });
    await expect.poll(running.stops).toBe(1);
  });
});

describe('the interface', () => {
  it('is served without a token, under a strict policy', async () => {
    const page = await ask('/');
    expect(page.status).toBe(200);
    expect(page.body).toContain('<title>Slipway</title>');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(page.headers['cache-control']).toBe('no-store');
    const script = await ask('/assets/app-1234.js');
    expect(script.headers).toMatchObject({ 'content-type': 'text/javascript; charset=utf-8' });
    expect(script.headers['cache-control']).toContain('immutable');
    expect((await ask('/', { method: 'HEAD' })).body).toBe('');
  });

  it.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//etc/passwd',
    '/%00',
    '/%',
    '/nothing.js',
  ])('does not lead out by %s', async path => {
    const answer = await ask(path);
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('not to be served');
  });

  it('takes no other method', async () => {
    expect((await ask('/', { method: 'POST' })).status).toBe(404);
  });
});

describe('the WebSocket', () => {
  const url = () => `ws://127.0.0.1:${running.host.port}/rpc`;

  it.each([
    ['without a token', ['slipway'], '/rpc', {}, 401],
    ['with a wrong one', ['slipway', 'slipway-token.wrong'], '/rpc', {}, 401],
    ['of another page', ['slipway'], '/rpc', { origin: 'http://evil.test' }, 403],
    ['to another name', ['slipway'], '/rpc', { host: 'evil.test' }, 421],
  ])('is refused %s', async (_how, protocols, path, headers, status) => {
    const socket = new WebSocket(url().replace('/rpc', path), protocols, { headers });
    const [error] = await once(socket, 'error').catch(caught => [caught]);
    expect(String(error)).toContain(String(status));
  });

  it('serves the same calls, and a stream of events that resumes where it ended', async () => {
    const socket = new WebSocket(url(), ['slipway', `slipway-token.${running.host.token}`]);
    await once(socket, 'open');
    expect(socket.protocol).toBe('slipway');
    const client: ContractRouterClient<typeof api> = createORPCClient(new RPCLink({ websocket: socket }));
    expect((await client.engine.status()).version).toBe(version);
    await expect(client.jobs.get({ id: '01900000-0000-7000-8000-000000000000' })).rejects.toMatchObject({
      code: 'not_found',
      data: { code: 'not_found', retry: 'user' },
    });

    const before = running.engine.feed.cursor;
    const append = () => appendEvent(running.engine.db, { type: 'worker.changed', at: 1 });
    await append();
    await append();
    running.engine.feed.nudge();
    const cursors: number[] = [];
    for await (const push of await client.events.subscribe({ after: before + 1 })) {
      if (push.kind !== 'event') continue;
      cursors.push(push.event.cursor);
      if (cursors.length === 1) await append();
      running.engine.feed.nudge();
      if (cursors.length === 2) break;
    }
    expect(cursors).toEqual([before + 2, before + 3]);
    socket.close();
    await once(socket, 'close');
  });
});

it('survives a peer that hangs up in the middle', async () => {
  const socket = createConnection(running.host.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST /api/repositories HTTP/1.1\r\ncontent-le');
  socket.destroy();
  await once(socket, 'close');
  expect((await call('/status')).status).toBe(200);
});

it('survives peers that ask for a socket and reset the connection, with or without a token', async () => {
  const { port, token } = running.host;
  const ask = (protocol: string) =>
    [
      ...['GET /rpc HTTP/1.1', `host: 127.0.0.1:${port}`, 'connection: upgrade', 'upgrade: websocket'],
      ...['sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='],
      ...[`sec-websocket-protocol: ${protocol}`, '', ''],
    ].join('\r\n');
  for (const protocol of ['slipway', `slipway, slipway-token.${token}`]) {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = createConnection(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.on('error', () => undefined);
        socket.write(ask(protocol), () => socket.resetAndDestroy());
        await once(socket, 'close');
      }),
    );
  }
  expect((await call('/status')).status).toBe(200);
});

it('says that its port is in use', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const router = createRouter(running.engine, { onStop: () => undefined });
  const files = await listStaticFiles('/nowhere');
  await expect(
    startHttpHost({ router, files, metrics: running.engine.metrics, port, logger: silentLogger }),
  ).rejects.toMatchObject({
    code: 'host.port_in_use',
    message: expect.stringContaining(String(port)),
  });
  other.close();
});

it('lets no second engine onto its data folder', async () => {
  const second = startEngine({
    dataFolder: running.engine.folder.root,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
  });
  await expect(second).rejects.toMatchObject({ code: 'data.locked' });
  expect((await call('/status')).status).toBe(200);
});
