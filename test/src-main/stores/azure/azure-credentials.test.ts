import { expect, it } from 'vitest';
import { azureLogin, machineIdentity } from '../../../../src-main/stores/azure/azure-credentials.ts';
import { createAzureStore } from '../../../../src-main/stores/azure/azure-store.ts';
import { startCannedServer } from '../../../support/canned-server.ts';

const key = Buffer.from('key').toString('base64');

it('takes what was given, then the environment, then the identity of the machine', () => {
  const environment = { AZURE_STORAGE_ACCOUNT: 'mine', AZURE_STORAGE_SAS_TOKEN: '?sv=1&sig=a%3D' };
  expect(azureLogin('mine', undefined, environment).signature).toBe('sv=1&sig=a%3D');
  expect(azureLogin('mine', { kind: 'account-key', accountKey: key }, environment).credential).toHaveProperty(
    'accountName',
    'mine',
  );
  expect(azureLogin('other', undefined, environment).credential).toHaveProperty('getToken');
  expect(azureLogin('mine', undefined, { AZURE_STORAGE_KEY: key }).credential).toHaveProperty('accountName', 'mine');
});

it.each([
  [{ kind: 'account-key', accountKey: 'not base64!' } as const, 'not base64'],
  [{ kind: 'shared-access-signature', token: 'sv=1' } as const, 'sig='],
  [{ kind: 'access-key', accessKeyId: 'a', secretAccessKey: 'b' } as const, 'given a access-key'],
])('refuses what opens no account', (access, words) => {
  expect(() => azureLogin('mine', access, {})).toThrow(words);
});

it('asks the metadata service for a token of storage, and says what to do where there is none', async () => {
  let asked = '';
  const host = await startCannedServer(req => {
    asked = `${req.headers.metadata} ${req.url}`;
    return { status: 200, body: JSON.stringify({ access_token: 'a token', expires_on: '1800000000' }) };
  });
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: host, AZURE_CLIENT_ID: 'one-of-two' };
  expect(await machineIdentity(environment, 'mine').getToken()).toEqual({
    token: 'a token',
    expiresOnTimestamp: 1_800_000_000_000,
  });
  expect(asked).toMatch(/^true .*resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=one-of-two$/);
  const none = await startCannedServer(() => ({ status: 400, body: '{"error":"Identity not found"}' }));
  await expect(machineIdentity({ AZURE_POD_IDENTITY_AUTHORITY_HOST: none }, 'mine').getToken()).rejects.toMatchObject({
    code: 'store.forbidden',
    message: expect.stringContaining('AZURE_STORAGE_KEY'),
  });
});

it('sends no token where it could be read on the way', () => {
  expect(() => createAzureStore('azure://mine/blobs?endpoint=http://127.0.0.1:9')).toThrow('without TLS');
});
