import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createGcsStore } from '../../../../src-main/stores/gcs/gcs-store.ts';
import { endsWithFile } from '../../../support/for-this-file.ts';
import { tokensFrom } from '../../../support/gcs-server/client-options.ts';
import { makeTestAccount } from '../../../support/gcs-server/credentials.ts';
import { type Fault, tooManyRequests, unavailable } from '../../../support/gcs-server/faults.ts';
import { type GcsServer, type GcsServerOptions, startGcsServer } from '../../../support/gcs-server/gcs-server.ts';
import { GoogleError } from '../../../support/gcs-server/google-error.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { bytesOf, entriesOf } from '../../../support/store-conformance.ts';

const onEnd = endsWithFile();
const account = makeTestAccount();
const largeBytes = 9 * 1024 * 1024;
const text = (value: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(value) });

let server: GcsServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function start(options: Partial<GcsServerOptions> = {}, json = account.json) {
  const started = await startGcsServer({ buckets: ['main'], account, ...options });
  server = started;
  const waits: number[] = [];
  const url = (bucket = 'main') => `gs://${bucket}?endpoint=${started.url}`;
  const open = (bucket = 'main') =>
    createGcsStore(url(bucket), { kind: 'service-account', json }, tokensFrom(started, waits));
  return { server: started, store: open(), open, waits };
}

async function largeFile() {
  const path = `${await scratchFolder(onEnd)}/large`;
  const bytes = randomBytes(largeBytes);
  await writeFile(path, bytes);
  return { source: { kind: 'file', path, sizeBytes: largeBytes } as const, bytes };
}

const denied = (reason: string, message: string) => new GoogleError(403, reason, message);
const said = (word: string) => ({ message: expect.stringContaining(word) });

describe('what is wrong with a bucket, its project or its credentials', () => {
  it('is missing', async () => {
    const { open } = await start();
    const missing = { code: 'store.unreachable', ...said('There is no bucket gone') };
    await expect(open('gone').check()).rejects.toMatchObject(missing);
    await expect(open('gone').head('a')).rejects.toMatchObject(missing);
    await expect(open('gone').get('a')).rejects.toMatchObject(missing);
    await expect(open('gone').put('a', text('x'))).rejects.toMatchObject(missing);
    await expect(open('gone').delete('a')).rejects.toMatchObject(missing);
    await expect(entriesOf(open('gone').list(''))).rejects.toMatchObject(missing);
  });

  it('lacks permissions: each is named before anything fails for it', async () => {
    const { store } = await start({ permissions: ['storage.objects.get', 'storage.objects.list'] });
    await expect(store.check()).rejects.toMatchObject({
      code: 'store.forbidden',
      details: { missing: ['storage.objects.create', 'storage.objects.delete'] },
      ...said('roles/storage.objectAdmin'),
    });
    await expect(store.put('a', text('x'))).rejects.toMatchObject(said('storage.objects.create'));
    const { source } = await largeFile();
    await expect(store.put('a', source)).rejects.toMatchObject(said('storage.objects.create'));
    await expect(store.delete('a')).rejects.toMatchObject(said('storage.objects.delete'));
  });

  it('has a key that Google does not know, or one of another account', async () => {
    for (const stranger of [makeTestAccount(), makeTestAccount('other@test-project.iam.gserviceaccount.com')]) {
      const { store } = await start({}, stranger.json);
      const refused = { code: 'store.forbidden', ...said('slipway store access set') };
      await expect(store.check()).rejects.toMatchObject(refused);
      const { source } = await largeFile();
      await expect(store.put('a', source)).rejects.toMatchObject(refused);
      await server?.stop();
      server = null;
    }
  });

  it('is told apart from a clock that is wrong', async () => {
    const { store } = await start({ clock: () => Date.now() + 2 * 60 * 60_000 });
    await expect(store.check()).rejects.toMatchObject({ code: 'store.forbidden', ...said('clock') });
  });

  it('finds a clock that is wrong by the answer to a token that was good', async () => {
    let ahead = 0;
    const { store } = await start({ clock: () => Date.now() + ahead });
    await store.check();
    ahead = 40 * 60_000;
    server?.faults.add({ on: 'get', kind: 'answer', error: new GoogleError(401, 'authError', 'Invalid Credentials') });
    await expect(store.head('a')).rejects.toMatchObject({
      code: 'store.forbidden',
      ...said('clock is 40 minutes behind'),
    });
  });

  it.each([
    [
      'accountDisabled',
      'The billing account for the owning project is disabled in state absent',
      'store.forbidden',
      'billing account',
    ],
    ['quotaExceeded', 'The project exceeded its quota.', 'store.full', 'quota'],
    ['insufficientPermissions', 'Request had insufficient authentication scopes.', 'store.forbidden', 'scope'],
    [
      'accessNotConfigured',
      'Cloud Storage JSON API has not been used in project 1 before or it is disabled.',
      'store.forbidden',
      'storage.googleapis.com',
    ],
    [
      'retentionPolicyNotMet',
      "Object 'main/a' is subject to bucket's retention policy",
      'store.forbidden',
      'retention',
    ],
    [
      'vpcServiceControls',
      "Request is prohibited by organization's policy.",
      'store.forbidden',
      'VPC Service Controls',
    ],
    [
      'forbidden',
      'x does not have storage.objects.create access to the object.',
      'store.forbidden',
      'storage.objects.create',
    ],
  ])('says of %s what to do', async (reason, message, code, word) => {
    const { store, server: at } = await start();
    at.faults.add({ on: 'upload', kind: 'answer', error: denied(reason, message), times: 20 });
    await expect(store.check()).rejects.toMatchObject({ code, ...said(word) });
    expect(at.requests.get('upload')).toBe(1);
  });

  it('has no usable JSON, which is never repeated', async () => {
    for (const json of ['no json', '{}', JSON.stringify({ type: 'authorized_user', private_key: 'hidden' })]) {
      expect(() => createGcsStore('gs://main', { kind: 'service-account', json })).toThrow(/^(?!.*hidden).*JSON file/);
    }
    const broken = JSON.stringify({ ...JSON.parse(account.json), private_key: 'PRIVATE KEY hidden' });
    const { store } = await start({}, broken);
    await expect(store.check()).rejects.toMatchObject({
      code: 'store.forbidden',
      message: expect.stringMatching(/^(?!.*hidden).*private key/),
    });
  });

  it('does not answer', async () => {
    const { store, server: at, waits } = await start();
    await store.check();
    await at.stop();
    server = null;
    await expect(store.head('a')).rejects.toMatchObject({ code: 'store.unreachable', ...said('ECONNREFUSED') });
    expect(waits).toHaveLength(4);
  });
});

describe('troubles that pass', () => {
  it.each<[string, Fault]>([
    ['429', { on: 'upload', kind: 'answer', error: tooManyRequests(7) }],
    ['503', { on: 'upload', kind: 'answer', error: unavailable(7) }],
    [
      '403 of a rate',
      {
        on: 'upload',
        kind: 'answer',
        error: new GoogleError(403, 'userRateLimitExceeded', 'slow', { 'retry-after': '7' }),
      },
    ],
  ])('waits as long as %s asks', async (_name, fault) => {
    const { store, server: at, waits } = await start();
    at.faults.add(fault);
    await store.put('a', text('x'));
    expect(waits).toEqual([7_000]);
  });

  it('gives up after five tries, and says that it passes by itself', async () => {
    const { store, server: at, waits } = await start();
    at.faults.add({ on: 'get', kind: 'answer', error: tooManyRequests(1), times: 100 });
    await expect(store.head('a')).rejects.toMatchObject({
      code: 'store.unreachable',
      retry: 'automatic',
      ...said('limits'),
    });
    expect(waits).toEqual([1_000, 1_000, 1_000, 1_000]);
    expect(at.requests.get('get')).toBe(5);
  });

  it.each<Fault>([
    { on: 'session', kind: 'answer', error: unavailable(1) },
    { on: 'part', kind: 'answer', error: unavailable(1) },
    { on: 'part', kind: 'cut', afterBytes: 3_000_000 },
    { on: 'part', kind: 'lose-answer' },
    { on: 'part', kind: 'lose-answer', after: 1 },
    { on: 'part', kind: 'answer', error: tooManyRequests(2), after: 1 },
  ])('goes on with an upload after $kind at $on', async fault => {
    const { store, server: at } = await start();
    const { source, bytes } = await largeFile();
    at.faults.add(fault);
    await store.put('a', source, { ifVersion: null });
    expect(at.object('main', 'a')?.bytes.equals(bytes)).toBe(true);
    expect(at.receivedBytes()).toBeLessThan(largeBytes + (fault.kind === 'cut' ? 3_000_000 : 1));
  });

  it('begins a session anew that the server has forgotten, and not for ever', async () => {
    const { store, server: at } = await start();
    const { source, bytes } = await largeFile();
    const gone = new GoogleError(410, 'notFound', 'The upload session is gone.');
    at.faults.add({ on: 'part', kind: 'answer', error: gone });
    await store.put('a', source);
    expect(at.object('main', 'a')?.bytes.equals(bytes)).toBe(true);
    at.faults.add({ on: 'part', kind: 'answer', error: gone, times: 100 });
    await expect(store.put('b', source)).rejects.toMatchObject({ code: 'store.unreachable' });
  });

  it('knows its own write where the answer to it was lost', async () => {
    const { store, server: at } = await start();
    at.faults.add({ on: 'upload', kind: 'lose-answer' });
    const head = await store.put('serial', text('1'), { ifVersion: null });
    expect(await store.head('serial')).toEqual(head);
    at.faults.add({ on: 'upload', kind: 'lose-answer' });
    await store.put('serial', text('2'), { ifVersion: head.version });
    await expect(store.put('serial', text('3'), { ifVersion: head.version })).rejects.toMatchObject({
      code: 'store.precondition_failed',
    });
  });
});

describe('bytes that are not what they should be', () => {
  it('are not blamed on the network where the file of the upload is gone', async () => {
    const { store, waits } = await start();
    const gone = { kind: 'file', path: '/no/such/file', sizeBytes: largeBytes } as const;
    await expect(store.put('a', gone)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(waits).toEqual([]);
  });

  it('are never taken for a blob when the connection ends early', async () => {
    const { store, server: at } = await start();
    await store.put('a', { kind: 'bytes', bytes: randomBytes(200_000) });
    at.faults.add({ on: 'media', kind: 'truncate', bytes: 70_000, times: 2 });
    await expect(bytesOf(await store.get('a'))).rejects.toMatchObject({ code: 'store.unreachable' });
    await expect(bytesOf(await store.get('a', { range: { start: 5, end: 150_000 } }))).rejects.toMatchObject({
      code: 'store.unreachable',
    });
    expect(await bytesOf(await store.get('a'))).toHaveLength(200_000);
  });

  it('are found by their checksum when they are read', async () => {
    const { store, server: at } = await start();
    await store.put('a', text('hello store'));
    at.faults.add({ on: 'media', kind: 'corrupt', times: 2 });
    const mismatch = { code: 'artifact.digest_mismatch' };
    await expect(bytesOf(await store.get('a'))).rejects.toMatchObject(mismatch);
    await expect(store.read('a', 100)).rejects.toMatchObject(mismatch);
  });

  it('are refused by the server when they change on their way there, and nothing is seen of them', async () => {
    const { store, server: at } = await start();
    const { source } = await largeFile();
    at.faults.add({ on: 'part', kind: 'corrupt', after: 1 });
    await expect(store.put('a', source)).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
    at.faults.add({ on: 'upload', kind: 'corrupt' });
    await expect(store.put('a', text('small'))).rejects.toMatchObject({ code: 'artifact.digest_mismatch' });
    expect(await entriesOf(store.list(''))).toEqual([]);
  });
});

it('copies in several calls, and keeps to its precondition in each', async () => {
  const { server: at, store, open } = await start({ buckets: ['main', 'far'], rewriteBytes: 1_000_000 });
  await store.put('packs/a', { kind: 'bytes', bytes: randomBytes(3_500_000) });
  const far = open('far');
  const progress: number[] = [];
  await far.copyFrom(store, 'packs/a', { ifVersion: null, onProgress: done => progress.push(done) });
  expect(progress).toEqual([1_000_000, 2_000_000, 3_000_000, 3_500_000]);
  expect(at.receivedBytes('far')).toBe(0);
  await far.delete('packs/a');
  let calls = 0;
  const racing = far.copyFrom(store, 'packs/a', {
    ifVersion: null,
    onProgress: () => {
      calls += 1;
      if (calls === 2) at.put('far', 'packs/a', Buffer.from('somebody else'));
    },
  });
  await expect(racing).rejects.toMatchObject({ code: 'store.precondition_failed' });
});

it('says that credentials are wanted where an endpoint is asked without', async () => {
  const { server: at } = await start();
  await expect(createGcsStore(`gs://main?endpoint=${at.url}`).check()).rejects.toMatchObject({
    code: 'store.forbidden',
    ...said('none are set'),
  });
});

it('asks an emulator without credentials, and sends none over http to another machine', async () => {
  const { server: at } = await start({ account: undefined });
  const store = createGcsStore(`gs://main/team?endpoint=${at.url}`);
  await store.check();
  await store.put('a', text('x'));
  expect(await store.signedUrl('a', 1_000)).toBeNull();
  expect(() =>
    createGcsStore('gs://main?endpoint=http://10.0.0.1', { kind: 'service-account', json: account.json }),
  ).toThrow('in clear');
});
