import { beforeAll, expect, it } from 'vitest';
import { startTestHost } from '../../support/engine.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { makeTestAccount } from '../../support/gcs-server/credentials.ts';
import { type GcsServer, startGcsServer } from '../../support/gcs-server/gcs-server.ts';

const onEnd = endsWithFile();
const account = makeTestAccount('slipway@team.iam.gserviceaccount.com', 'universe.test');
const stranger = makeTestAccount('stranger@team.iam.gserviceaccount.com', 'universe.test');
const place = { latitude: 50.1, longitude: 8.7, location: 'europe-west3' };

let test: Awaited<ReturnType<typeof startTestHost>>;
let gcs: GcsServer;
const storeUrl = (bucket = 'blobs') => `gs://${bucket}/team?endpoint=${encodeURIComponent(gcs.url)}`;
const accessOf = ({ json }: { readonly json: string }) => ({ kind: 'service-account', json });

beforeAll(async () => {
  gcs = await startGcsServer({ buckets: ['blobs', 'second'], account });
  onEnd(() => gcs.stop());
  test = await startTestHost(onEnd);
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const url = new URL(test.host.url);
  const response = await fetch(new URL(`/api${path}`, url), {
    method,
    headers: { authorization: `Bearer ${url.hash.replace('#token=', '')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

it('refuses a region whose credentials do not open it, and keeps nothing', async () => {
  const add = (access?: unknown) =>
    call('POST', '/regions', { name: 'Frankfurt', ...place, storeUrl: storeUrl(), access });
  expect(await add(accessOf(stranger))).toMatchObject({
    status: 422,
    text: expect.stringContaining('store.forbidden'),
  });
  expect(await add({ kind: 'access-key', accessKeyId: 'AKIA', secretAccessKey: 's' })).toMatchObject({
    status: 422,
    text: expect.stringContaining("opened with a service account's JSON"),
  });
  expect(
    await add({ kind: 'service-account', json: '{"type":"authorized_user","private_key":"hidden"}' }),
  ).toMatchObject({
    status: 422,
    text: expect.not.stringContaining('hidden'),
  });
  expect(JSON.parse((await call('GET', '/store-access')).text)).toEqual([]);
  expect(JSON.parse((await call('GET', '/regions')).text)).toHaveLength(1);
});

it('adds a region with its credentials, keeps them sealed, and shows whose they are', async () => {
  const added = await call('POST', '/regions', {
    name: 'Frankfurt',
    ...place,
    storeUrl: storeUrl(),
    access: accessOf(account),
  });
  expect(added).toMatchObject({ status: 200 });
  expect(JSON.parse((await call('GET', '/store-access')).text)).toEqual([
    { storeUrl: storeUrl(), kind: 'service-account', identity: account.email, setAtMs: expect.any(Number) },
  ]);
  const row = await test.engine.db.selectFrom('storeAccesses').selectAll().executeTakeFirstOrThrow();
  expect(JSON.stringify(row)).not.toContain('PRIVATE KEY');
  expect(Buffer.from(row.sealedAccess, 'base64').toString('latin1')).not.toContain('PRIVATE KEY');
  const everything = await Promise.all(['/regions', '/events', '/overview'].map(path => call('GET', path)));
  expect(everything.map(({ text }) => text).join()).not.toContain('PRIVATE KEY');
});

it('opens the store of a region with what is set for it, from the next use on', async () => {
  const [regional] = await test.engine.stores.regional();
  await regional?.store.put('packs/a', { kind: 'bytes', bytes: Buffer.from('sealed') });
  expect(gcs.object('blobs', 'team/packs/a')?.bytes.toString()).toBe('sealed');

  expect(await call('POST', '/store-access', { storeUrl: `${storeUrl()}`, access: accessOf(stranger) })).toMatchObject({
    status: 200,
    text: expect.stringContaining(stranger.email),
  });
  const [changed] = await test.engine.stores.regional();
  await expect(changed?.store.head('packs/a')).rejects.toMatchObject({ code: 'store.forbidden' });
});

it('does not open what was moved to another store', async () => {
  const { db, accesses } = test.engine;
  const row = await db.selectFrom('storeAccesses').selectAll().executeTakeFirstOrThrow();
  await db
    .insertInto('storeAccesses')
    .values({ ...row, storeUrl: storeUrl('second') })
    .execute();
  await expect(accesses.find(storeUrl('second'))).rejects.toMatchObject({ code: 'secret.key_unreadable' });
  await accesses.remove(storeUrl('second'));
});

it('removes them, and refuses what is no private store', async () => {
  expect(await call('POST', '/store-access/remove', { storeUrl: storeUrl() })).toMatchObject({ status: 200 });
  expect(await call('POST', '/store-access/remove', { storeUrl: storeUrl() })).toMatchObject({ status: 404 });
  expect(await call('POST', '/store-access', { storeUrl: '/srv/blobs', access: accessOf(account) })).toMatchObject({
    status: 422,
    text: expect.stringContaining('file system'),
  });
  const open = `gs://blobs?endpoint=${encodeURIComponent('http://store.example')}`;
  expect(await call('POST', '/store-access', { storeUrl: open, access: accessOf(account) })).toMatchObject({
    status: 422,
    text: expect.stringContaining('in clear'),
  });
});
