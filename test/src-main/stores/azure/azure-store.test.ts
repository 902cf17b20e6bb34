import { createServer, request as httpRequest } from 'node:http';
import { ContainerSASPermissions } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAzureStore } from '../../../../src-main/stores/azure/azure-store.ts';
import { type AzureServer, azureAccess, azureAccount, startAzureServer } from '../../../support/azure-server.ts';
import { describeStoreConformance } from '../../../support/store-conformance.ts';

let server: AzureServer;
let containers = 0;
beforeAll(async () => {
  server = await startAzureServer();
});
afterAll(() => server.stop());

describeStoreConformance('Azure', async () => {
  containers += 1;
  const names = [`main-${containers}`, `other-${containers}`] as const;
  await Promise.all(names.map(name => server.createContainer(name)));
  const open = (name: string) =>
    createAzureStore(`azure://${azureAccount}/${name}/team/a?endpoint=${server.endpoint}`, azureAccess);
  return {
    store: open(names[0]),
    sibling: open(names[0]),
    other: open(names[1]),
    refuses: ['md5'],
    resumes: true,
    signs: true,
    dispose: async () => undefined,
  };
});

/** A way to the server that loses the next answer to a write, after the deed. */
async function losingProxy(): Promise<{ readonly endpoint: string; loseNext(): void }> {
  const { port } = new URL(server.endpoint);
  let isLosing = false;
  const proxy = createServer((request, response) => {
    const { method, url, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path: url, headers }, answer => {
      if (isLosing && method === 'PUT') {
        isLosing = false;
        answer.resume().once('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    endpoint: server.endpoint.replace(`:${port}`, `:${address.port}`),
    loseNext() {
      isLosing = true;
    },
  };
}

it('knows its own write to Azure again whose answer was lost, and no other of the same bytes', async () => {
  await server.createContainer('lossy');
  const way = await losingProxy();
  const store = createAzureStore(`azure://${azureAccount}/lossy?endpoint=${way.endpoint}`, azureAccess);
  const text = (value: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(value) });
  way.loseNext();
  const first = await store.put('pointer', text('serial 1'), { ifVersion: null });
  expect(await store.head('pointer')).toEqual(first);
  way.loseNext();
  const second = await store.put('pointer', text('serial 2'), { ifVersion: first.version });
  expect(second.version).not.toBe(first.version);
  const failed = { code: 'store.precondition_failed' };
  await expect(store.put('pointer', text('serial 2'), { ifVersion: first.version })).rejects.toMatchObject(failed);
  await expect(store.put('pointer', text('serial 2'), { ifVersion: null })).rejects.toMatchObject(failed);
});

describe('a store of Azure that was given a signature', () => {
  it('reads, writes, copies and hands no signature on', async () => {
    const container = await server.createContainer('signed');
    const signed = await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('racwdl'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    const access = { kind: 'shared-access-signature', token: new URL(signed).search } as const;
    const store = createAzureStore(`azure://${azureAccount}/signed?endpoint=${server.endpoint}`, access);
    await store.check();
    await store.put('a', { kind: 'bytes', bytes: Buffer.from('signed') });
    expect(await store.signedUrl('a', 60_000)).toBeNull();
    await server.createContainer('copies');
    const copies = createAzureStore(`azure://${azureAccount}/copies?endpoint=${server.endpoint}`, azureAccess);
    expect(await copies.copyFrom(store, 'a')).toMatchObject({ sizeBytes: 6 });
  });

  it('says which right its signature lacks', async () => {
    const container = await server.createContainer('readable');
    const signed = await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('rl'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    const access = { kind: 'shared-access-signature', token: new URL(signed).search } as const;
    const store = createAzureStore(`azure://${azureAccount}/readable?endpoint=${server.endpoint}`, access);
    await expect(store.check()).rejects.toMatchObject({
      code: 'store.forbidden',
      message: expect.stringContaining('c and w (create, write)'),
    });
  });

  it('says that a container is missing, or a key wrong', async () => {
    const at = (container: string) => `azure://${azureAccount}/${container}?endpoint=${server.endpoint}`;
    await expect(createAzureStore(at('missing'), azureAccess).check()).rejects.toMatchObject({
      code: 'store.unreachable',
      message: expect.stringContaining('no container missing'),
    });
    const other = { kind: 'account-key', accountKey: Buffer.from('another').toString('base64') } as const;
    await expect(createAzureStore(at('missing'), other).check()).rejects.toMatchObject({
      code: 'store.forbidden',
      message: expect.stringContaining('not one of the account'),
    });
  });
});
