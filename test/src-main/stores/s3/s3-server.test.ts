import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { copyObject } from '../../../../src-main/stores/s3/s3-copy.ts';
import { openS3Place } from '../../../../src-main/stores/s3/s3-place.ts';
import { createS3Store } from '../../../../src-main/stores/s3/s3-store.ts';
import { type S3ServerOptions, s3Access, startS3Server } from '../../../support/s3-server.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { entriesOf } from '../../../support/store-conformance.ts';

async function storeOf(options: Omit<S3ServerOptions, 'buckets'> = {}) {
  const server = await startS3Server({ buckets: ['main'], ...options });
  onTestFinished(server.stop);
  const url = `s3://main/team?endpoint=${server.endpoint}`;
  return { server, url, store: createS3Store(url, s3Access) };
}

/** A put that is cut after its first parts and leaves its upload open. */
async function leaveUpload(store: ReturnType<typeof createS3Store>): Promise<void> {
  const path = join(await scratchFolder(), 'source');
  const bytes = randomBytes(24 * 1024 * 1024);
  await writeFile(path, bytes);
  let asked = 0;
  const stop = new Error('stop');
  const put = store.put(
    'packs/a',
    { kind: 'file', path, sizeBytes: bytes.length },
    {
      resume: { state: null, save: async () => undefined },
      throttle: async () => {
        asked += 1;
        if (asked === 3) throw stop;
      },
    },
  );
  await expect(put).rejects.toBe(stop);
}

it('refuses a server that ignores conditions on writes, and leaves nothing in it', async () => {
  const { store } = await storeOf({ conditions: false });
  await expect(store.check()).rejects.toMatchObject({
    code: 'store.malformed',
    message: expect.stringContaining('If-None-Match'),
  });
  expect(await entriesOf(store.list(''))).toEqual([]);
});

it('ends uploads that nobody goes on with after a week, and only those', async () => {
  const { server, store } = await storeOf();
  await leaveUpload(store);
  expect(await server.openUploads('main')).toHaveLength(1);
  await store.check();
  expect(await server.openUploads('main')).toHaveLength(1);
  server.setBegun(Date.now() - 8 * 24 * 60 * 60 * 1_000);
  await store.check();
  expect(await server.openUploads('main')).toEqual([]);
});

it('leaves no upload behind where nothing can go on', async () => {
  const { server, store } = await storeOf();
  const path = join(await scratchFolder(), 'source');
  const bytes = randomBytes(20 * 1024 * 1024);
  await writeFile(path, bytes);
  const source = { kind: 'file' as const, path, sizeBytes: bytes.length };
  const resume = { state: null, save: async () => undefined };
  await expect(store.put('a', source, { sha256: '0'.repeat(64), resume })).rejects.toMatchObject({
    code: 'artifact.digest_mismatch',
  });
  await store.put('a', source);
  await expect(store.put('a', source, { ifVersion: null, resume })).rejects.toMatchObject({
    code: 'store.precondition_failed',
  });
  await expect(store.put('b', source, { throttle: () => Promise.reject(new Error('stop')) })).rejects.toThrow('stop');
  expect(await server.openUploads('main')).toEqual([]);
});

it('knows its own write again whose answer was lost', async () => {
  const { server, store } = await storeOf();
  server.loseNextAnswer();
  const head = await store.put('pointer', { kind: 'bytes', bytes: Buffer.from('serial 1') }, { ifVersion: null });
  expect(head.version).toBe(createHash('md5').update('serial 1').digest('hex'));
  server.loseNextAnswer();
  await store.put('pointer', { kind: 'bytes', bytes: Buffer.from('serial 2') }, { ifVersion: head.version });
  await expect(
    store.put('pointer', { kind: 'bytes', bytes: Buffer.from('serial 3') }, { ifVersion: head.version }),
  ).rejects.toMatchObject({ code: 'store.precondition_failed' });
});

it('passes over what lies in the bucket and is none of its keys', async () => {
  const { server, store } = await storeOf();
  await server.seed('main', ['team/.hidden', 'team/a b', 'elsewhere/a', 'team/packs/a']);
  expect((await entriesOf(store.list(''))).map(entry => entry.key)).toEqual(['packs/a']);
});

it('copies what is too large for one request in parts, and only the version that it has seen', async () => {
  const { server, store, url } = await storeOf();
  const bytes = randomBytes(300_001);
  await store.put('packs/a', { kind: 'bytes', bytes });
  const place = openS3Place(`${url}&region=eu-west-1`.replace('main/team', 'main/copies'), s3Access);
  const limits = { wholeBytes: 200_000, partBytes: 100_000 };
  const progress: number[] = [];
  const options = { ifVersion: null, onProgress: (done: number) => progress.push(done) };
  expect(await copyObject(place, store, 'packs/a', options, limits)).toMatchObject({ sizeBytes: bytes.length });
  expect(progress.at(-1)).toBe(bytes.length);
  expect((await readFile(server.objectPath('main', 'copies/packs/a'))).equals(bytes)).toBe(true);
  await expect(copyObject(place, store, 'packs/a', options, limits)).rejects.toMatchObject({
    code: 'store.precondition_failed',
  });
  expect(await server.openUploads('main')).toEqual([]);
});

it('goes on after kill -9 with what the server has', async () => {
  const { server, url } = await storeOf();
  const folder = await scratchFolder();
  const path = join(folder, 'source');
  const bytes = randomBytes(40 * 1024 * 1024);
  await writeFile(path, bytes);
  const source = { kind: 'file' as const, path, sizeBytes: bytes.length };
  const module = pathToFileURL(join(import.meta.dirname, '../../../../src-main/stores/s3/s3-store.ts')).href;
  const program = `
    import { createS3Store } from ${JSON.stringify(module)};
    const store = createS3Store(${JSON.stringify(url)}, ${JSON.stringify(s3Access)});
    // Each part is saved as it ends, however fast it went.
    let nowMs = 0;
    performance.now = () => (nowMs += 1_000);
    let asked = 0;
    await store.put('packs/a', ${JSON.stringify(source)}, {
      resume: { state: null, save: async state => console.log(state) },
      throttle: async () => {
        asked += 1;
        if (asked < 5) return;
        console.log('there');
        await new Promise(() => setInterval(() => undefined, 60_000));
      },
    });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let state = '';
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'there') break;
    state = line;
  }
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  await server.atRest();
  const before = server.receivedBytes();
  const head = await createS3Store(url, s3Access).put('packs/a', source, {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    resume: { state, save: async () => undefined },
  });
  expect(head.sizeBytes).toBe(bytes.length);
  const { doneBytes } = z.object({ doneBytes: z.number() }).parse(JSON.parse(state));
  expect(doneBytes).toBeGreaterThan(0);
  expect(server.receivedBytes() - before).toBe(bytes.length - doneBytes);
  expect((await readFile(server.objectPath('main', 'team/packs/a'))).equals(bytes)).toBe(true);
});

it('tells a wrong key from a wrong bucket', async () => {
  const { server, url } = await storeOf();
  const wrong = createS3Store(url, { ...s3Access, accessKeyId: 'NOBODY' });
  await expect(wrong.put('a', { kind: 'bytes', bytes: Buffer.from('x') })).rejects.toMatchObject({
    code: 'store.forbidden',
    message: expect.stringContaining('access key id is not known'),
  });
  const missing = createS3Store(`s3://missing?endpoint=${server.endpoint}`, s3Access);
  await expect(missing.check()).rejects.toMatchObject({
    code: 'store.unreachable',
    message: expect.stringContaining('no bucket missing'),
  });
});
