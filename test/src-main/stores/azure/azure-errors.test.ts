import { describe, expect, it } from 'vitest';
import { createAzureStore } from '../../../../src-main/stores/azure/azure-store.ts';
import { azureAccess, azureAccount } from '../../../support/azure-server.ts';
import { type CannedAnswer, deadAddress, startCannedServer } from '../../../support/canned-server.ts';

const said = (
  status: number,
  code: string,
  headers: Record<string, string> = {},
  message = 'as Azure says it',
): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

/** Source: answers of the service, which puts the reason of a refused signature beside the message. */
const refused = (detail: string): CannedAnswer => ({
  status: 403,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthenticationFailed' },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.</Message><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`,
});

const text = { kind: 'bytes' as const, bytes: Buffer.from('x') };
const urlAt = (endpoint: string) => `azure://${azureAccount}/blobs/app?endpoint=${endpoint}`;

async function storeThatSays(answer: CannedAnswer | 'cut') {
  return createAzureStore(urlAt(await startCannedServer(() => answer)), azureAccess);
}

describe('what Azure says', () => {
  it.each([
    ['AuthorizationPermissionMismatch', 403, 'store.forbidden', 'c and w (create, write)'],
    ['AuthorizationFailure', 403, 'store.forbidden', 'Networking'],
    ['KeyBasedAuthenticationNotPermitted', 403, 'store.forbidden', 'Allow storage account key access'],
    ['AccountIsDisabled', 403, 'store.forbidden', 'disabled'],
    ['NoAuthenticationInformation', 401, 'store.forbidden', 'give the store a key'],
    ['LeaseIdMissing', 412, 'store.forbidden', 'break the lease'],
    ['ContainerNotFound', 404, 'store.unreachable', 'no container blobs in the account slipway'],
    ['ConditionNotMet', 412, 'store.precondition_failed', 'somebody else'],
    ['BlobAlreadyExists', 409, 'store.precondition_failed', 'somebody else'],
    ['Md5Mismatch', 400, 'artifact.digest_mismatch', 'other bytes'],
    ['InsufficientStorage', 507, 'store.full', 'Raise its limit'],
    ['InvalidHeaderValue', 400, 'store.unreachable', 'InvalidHeaderValue'],
  ])('%s at a put becomes %s %s', async (code, status, expected, words) => {
    const store = await storeThatSays(said(status, code));
    await expect(store.put('packs/a', text)).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ['Request date header too old: Mon, 23 Nov 2026 10:00:00 GMT', 'NTP'],
    ['Signature not valid in the specified time frame: Start [..] - Expiry [..] - Current [..]', 'expired'],
    [
      'The MAC signature found in the HTTP request is not the same as any computed signature.',
      'not one of the account',
    ],
  ])('tells apart why a signature was refused: %s', async (detail, words) => {
    await expect((await storeThatSays(refused(detail))).put('a', text)).rejects.toMatchObject({
      code: 'store.forbidden',
      message: expect.stringContaining(words),
    });
  });

  it('names what each action lacks', async () => {
    const store = await storeThatSays(said(403, 'AuthorizationPermissionMismatch'));
    const lacks = (permission: string) => ({ code: 'store.forbidden', details: { permission } });
    await expect(store.check()).rejects.toMatchObject(lacks('list'));
    await expect(store.head('a')).rejects.toMatchObject(lacks('read'));
    await expect(store.read('a', 1)).rejects.toMatchObject(lacks('read'));
    await expect(store.delete('a')).rejects.toMatchObject(lacks('delete'));
  });

  it('takes a missing container for no missing blob', async () => {
    const store = await storeThatSays(said(404, 'ContainerNotFound'));
    await expect(store.head('a')).rejects.toMatchObject({ code: 'store.unreachable' });
  });

  it('tells how long a server that is asked too much wants to be left alone', async () => {
    const store = await storeThatSays(said(503, 'ServerBusy', { 'retry-after': '1' }));
    await expect(store.put('a', text)).rejects.toMatchObject({
      code: 'store.unreachable',
      details: { retryAfterMs: 1_000 },
    });
  });

  it('tells what the network says', async () => {
    const unreachable = (words: string) => ({ code: 'store.unreachable', message: expect.stringContaining(words) });
    const open = (endpoint: string) => createAzureStore(urlAt(endpoint), azureAccess);
    await expect(open(await deadAddress()).head('a')).rejects.toMatchObject(unreachable('refuses connections'));
    await expect((await storeThatSays('cut')).head('a')).rejects.toMatchObject(unreachable('broke off'));
    const plain = await startCannedServer(() => ({ status: 200 }));
    await expect(open(plain.replace('http:', 'https:')).head('a')).rejects.toMatchObject(unreachable('TLS'));
  });

  it('ends a read whose connection breaks as unreachable', async () => {
    const store = await storeThatSays({
      status: 200,
      headers: { 'content-length': '10', etag: '"0x1"', connection: 'close' },
      body: 'half',
    });
    await expect(store.read('a', 100)).rejects.toMatchObject({ code: 'store.unreachable' });
  });
});
