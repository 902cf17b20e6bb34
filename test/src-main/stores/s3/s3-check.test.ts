import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
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
