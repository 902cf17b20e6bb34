/** Checks the web seed with real HTTP requests over real stores in folders. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { createWebSeedGuard, type WebSeedGuard } from '../../../src-main/swarm/web-seed-guard.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { breakingAfter, createFolderStore } from '../../support/blob-stores.ts';
import { createPack, type TestPack } from '../../support/swarm-fixtures.ts';

const sizeBytes = 1_000_000;
const guards: WebSeedGuard[] = [];
let folder: string;
let pack: TestPack;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-guard-'));
  pack = createPack(sizeBytes);
});
afterEach(async () => {
  await Promise.all(guards.splice(0).map(guard => guard.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function storeWithPack(name: string): Promise<BlobStore> {
  const store = await createFolderStore(join(folder, name));
  await store.put(storeKeys.pack(pack.digest), { kind: 'bytes', bytes: pack.bytes });
  return store;
}

async function startGuard(stores: readonly BlobStore[]): Promise<WebSeedGuard> {
  const guard = createWebSeedGuard({ stores, logger: silentLogger });
  guards.push(guard);
  await guard.start();
  return guard;
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
  /** False when the connection broke before the promised length. */
  readonly whole: boolean;
}

function ask(url: string, options: { method?: string; headers?: NodeJS.Dict<string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false, ...options }, response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('error', () => undefined);
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          whole: response.complete,
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('ranges', () => {
  it('answers the whole pack, and its head', async () => {
    const guard = await startGuard([await storeWithPack('a')]);
    const whole = await ask(guard.urlFor(pack.digest));
    expect(whole.status).toBe(200);
    expect(whole.headers['accept-ranges']).toBe('bytes');
    expect(whole.body.equals(pack.bytes)).toBe(true);
    const head = await ask(guard.urlFor(pack.digest), { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': String(sizeBytes) } });
    expect(head.body.byteLength).toBe(0);
    expect(guard.bytesServed()).toBe(sizeBytes);
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1999', 1_000, 2_000],
    ['bytes=999999-', 999_999, sizeBytes],
    ['bytes=999000-5000000', 999_000, sizeBytes],
    ['bytes=-10', sizeBytes - 10, sizeBytes],
    ['bytes=-5000000', 0, sizeBytes],
  ])('answers %s with 206', async (range, start, end) => {
    const guard = await startGuard([await storeWithPack('a')]);
    const answer = await ask(guard.urlFor(pack.digest), { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${sizeBytes}`);
    expect(answer.headers['content-length']).toBe(String(end - start));
    expect(answer.body.equals(pack.bytes.subarray(start, end))).toBe(true);
  });

  it.each(['bytes=1000000-', 'bytes=9999999-99999999', 'bytes=-0'])('refuses %s with 416', async range => {
    const guard = await startGuard([await storeWithPack('a')]);
    const answer = await ask(guard.urlFor(pack.digest), { headers: { range } });
    expect(answer.status).toBe(416);
    expect(answer.headers['content-range']).toBe(`bytes */${sizeBytes}`);
    expect(answer.body.byteLength).toBe(0);
  });

  it.each(['bytes=5-2', 'bytes=0-1,5-9', 'lines=1-2', 'bytes=x-y'])('ignores %s, as RFC 9110 lets it', async range => {
    const guard = await startGuard([await storeWithPack('a')]);
    expect((await ask(guard.urlFor(pack.digest), { method: 'HEAD', headers: { range } })).status).toBe(200);
  });
});

describe('refusals', () => {
  it('knows one path per pack, under its secret part, by GET and HEAD, at its own address', async () => {
    const guard = await startGuard([await storeWithPack('a')]);
    const url = guard.urlFor(pack.digest);
    const secret = new URL(url).pathname.split('/')[1] ?? '';
    expect(Buffer.from(secret, 'base64url').byteLength).toBe(32);
    const wrong = secret.startsWith('A') ? `B${secret.slice(1)}` : `A${secret.slice(1)}`;

    expect((await ask(url.replace(secret, wrong))).status).toBe(404);
    expect((await ask(url.replace(secret, secret.slice(1)))).status).toBe(404);
    expect((await ask(url.replace(secret, ''))).status).toBe(404);
    expect((await ask(`${url}?x=1`)).status).toBe(404);
    expect((await ask(url.replace('.tar.zst', '.torrent'))).status).toBe(404);
    expect((await ask(url.replace(`${pack.digest}.tar.zst`, '%2e%2e%2ftrust.json'))).status).toBe(404);
    expect((await ask(guard.urlFor('f'.repeat(64)))).status).toBe(404);
    expect((await ask(url, { headers: { host: 'evil.example' } })).status).toBe(404);
    const post = await ask(url, { method: 'POST' });
    expect(post).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect(guard.bytesServed()).toBe(0);
    expect(() => guard.urlFor('../x')).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  });

  it('has no URL before it runs or after it ended', async () => {
    const guard = createWebSeedGuard({ stores: [], logger: silentLogger });
    expect(() => guard.urlFor(pack.digest)).toThrow(expect.objectContaining({ code: 'swarm.unavailable' }));
    await guard.start();
    await guard.stop();
    await guard.stop();
    expect(() => guard.urlFor(pack.digest)).toThrow(expect.objectContaining({ code: 'swarm.unavailable' }));
    await expect(guard.start()).rejects.toMatchObject({ code: 'swarm.unavailable' });
  });
});

describe('failover', () => {
  it('goes on in the second store at the byte where the first broke off', async () => {
    const breaking = breakingAfter(await storeWithPack('a'), 300_000);
    const guard = await startGuard([breaking, await storeWithPack('b')]);
    const answer = await ask(guard.urlFor(pack.digest), { headers: { range: 'bytes=100-900099' } });
    expect(answer.status).toBe(206);
    expect(answer.body.equals(pack.bytes.subarray(100, 900_100))).toBe(true);
    expect(breaking.reads()).toBe(1);
  });

  it('passes over a store that has no such pack', async () => {
    const guard = await startGuard([await createFolderStore(join(folder, 'empty')), await storeWithPack('b')]);
    expect((await ask(guard.urlFor(pack.digest))).body.equals(pack.bytes)).toBe(true);
  });

  it('breaks the connection where no store can go on, rather than end it as if that were all', async () => {
    const guard = await startGuard([breakingAfter(await storeWithPack('a'), 0)]);
    const answer = await ask(guard.urlFor(pack.digest)).catch(() => null);
    expect(answer?.whole ?? false).toBe(false);
  });
});
