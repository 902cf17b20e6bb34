import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createS3Store } from '../../../../src-main/stores/s3/s3-store.ts';
import { type CannedAnswer, deadAddress, startCannedServer } from '../../../support/canned-server.ts';
import { s3Access } from '../../../support/s3-server.ts';

const xml = (code: string, rest = '', message = 'as S3 says it') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${rest}<RequestId>4442587FB7D0A2F9</RequestId></Error>`;

const said = (status: number, code: string, rest = '', headers: Record<string, string> = {}): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: xml(code, rest),
});

const text = { kind: 'bytes' as const, bytes: Buffer.from('x') };

async function storeThatSays(answer: CannedAnswer | 'cut', query = '') {
  const endpoint = await startCannedServer(() => answer);
  return createS3Store(`s3://team-blobs/app?endpoint=${endpoint}${query}`, s3Access);
}

describe('what S3 says', () => {
  it.each([
    ['InvalidAccessKeyId', 403, 'store.forbidden', 'access key id is not known'],
    ['SignatureDoesNotMatch', 403, 'store.forbidden', 'secret access key does not belong'],
    ['ExpiredToken', 400, 'store.forbidden', 'session has expired'],
    ['AccessDenied', 403, 'store.forbidden', 's3:PutObject'],
    ['NoSuchBucket', 404, 'store.unreachable', 'no bucket team-blobs'],
    ['RequestTimeTooSkewed', 403, 'store.forbidden', 'NTP'],
    ['QuotaExceeded', 403, 'store.full', 'Raise its quota'],
    ['XMinioStorageFull', 507, 'store.full', 'no room left'],
    ['InternalError', 500, 'store.unreachable', 'tried again by itself'],
    ['PreconditionFailed', 412, 'store.precondition_failed', 'somebody else'],
    ['ConditionalRequestConflict', 409, 'store.precondition_failed', 'somebody else'],
    ['BadDigest', 400, 'artifact.digest_mismatch', 'other bytes'],
    ['XAmzContentChecksumMismatch', 400, 'artifact.digest_mismatch', 'other bytes'],
    ['MalformedXML', 400, 'store.unreachable', 'MalformedXML'],
  ])('%s at a put becomes %s %s', async (code, status, expected, words) => {
    const store = await storeThatSays(said(status, code));
    await expect(store.put('packs/a', text)).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(words),
    });
  });

  it('names the permission that each action lacks', async () => {
    const store = await storeThatSays(said(403, 'AccessDenied'));
    const lacks = (permission: string) => ({ code: 'store.forbidden', details: { permission } });
    await expect(store.check()).rejects.toMatchObject(lacks('s3:ListBucket'));
    await expect(store.head('a')).rejects.toMatchObject(lacks('s3:GetObject'));
    await expect(store.read('a', 1)).rejects.toMatchObject(lacks('s3:GetObject'));
    await expect(store.delete('a')).rejects.toMatchObject(lacks('s3:DeleteObject'));
    await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(lacks('s3:ListBucket'));
  });

  it('names the region that the bucket lies in, as the URL to give', async () => {
    const message = 'not in eu-west-1. Give the store as s3://team-blobs/app?';
    const wrong = (region: string) => ({
      code: 'store.url_invalid',
      details: { region },
      message: expect.stringContaining(message),
    });
    const malformed = said(400, 'AuthorizationHeaderMalformed', '<Region>eu-central-1</Region>');
    const redirect = said(301, 'PermanentRedirect', '<Endpoint>team-blobs.s3.ap-south-1.amazonaws.com</Endpoint>');
    const inHeader = said(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'us-west-2' });
    const at = '&region=eu-west-1';
    await expect((await storeThatSays(malformed, at)).put('a', text)).rejects.toMatchObject(wrong('eu-central-1'));
    await expect((await storeThatSays(redirect, at)).put('a', text)).rejects.toMatchObject(wrong('ap-south-1'));
    await expect((await storeThatSays(inHeader, at)).head('a')).rejects.toMatchObject(wrong('us-west-2'));
    await expect((await storeThatSays(inHeader, at)).put('a', text)).rejects.toMatchObject({
      message: expect.stringContaining('region=us-west-2'),
    });
  });

  it('asks Amazon for the region that its URL does not name, until it is told', async () => {
    const signedFor: (string | undefined)[] = [];
    let isUp = false;
    const server = await startCannedServer(req => {
      if (!isUp) return 'cut';
      if (req.method === 'HEAD') {
        return { status: 403, headers: { 'x-amz-bucket-region': 'eu-central-1' } };
      }
      signedFor.push(/Credential=[^/]+\/\d+\/([^/]+)/.exec(req.headers.authorization ?? '')?.[1]);
      return { status: 204 };
    });
    vi.stubEnv('AWS_ENDPOINT_URL', server);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const store = createS3Store('s3://team-blobs', s3Access);
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'store.unreachable' });
    isUp = true;
    await store.delete('a');
    await store.delete('b');
    expect(signedFor).toEqual(['eu-central-1', 'eu-central-1']);
  });

  it('tells how long a server that is asked too much wants to be left alone', async () => {
    const store = await storeThatSays(said(503, 'SlowDown', '', { 'retry-after': '1' }));
    await expect(store.put('a', text)).rejects.toMatchObject({
      code: 'store.unreachable',
      details: { retryAfterMs: 1_000 },
      message: expect.stringContaining('not before 1 s'),
    });
  });

  it('tells what the network says', async () => {
    const open = (endpoint: string) => createS3Store(`s3://team-blobs?endpoint=${endpoint}`, s3Access);
    const unreachable = (words: string) => ({
      code: 'store.unreachable',
      message: expect.stringContaining(words),
      retry: 'automatic',
    });
    const dead = await deadAddress();
    await expect(open(dead).head('a')).rejects.toMatchObject(unreachable('refuses connections'));
    await expect(open('http://nowhere.invalid').head('a')).rejects.toMatchObject(unreachable('nowhere.invalid'));
    await expect((await storeThatSays('cut')).head('a')).rejects.toMatchObject(unreachable('broke off'));
    const plain = await startCannedServer(() => ({ status: 200 }));
    await expect(open(plain.replace('http:', 'https:')).head('a')).rejects.toMatchObject(unreachable('TLS'));
  });

  it('says that a server is not S3', async () => {
    const store = await storeThatSays({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html><br>' });
    await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'store.unreachable',
      message: expect.stringContaining('not S3'),
    });
  });

  it('says which credentials it wants', () => {
    const url = 's3://team-blobs?endpoint=http://127.0.0.1:9';
    expect(() => createS3Store(url, { kind: 'account-key', accountKey: 'a' })).toThrow(/access key/);
  });

  it('ends a read whose connection breaks as unreachable', async () => {
    const endpoint = await startCannedServer(() => ({
      status: 200,
      headers: { 'content-length': '10', connection: 'close' },
      body: 'half',
    }));
    const store = createS3Store(`s3://team-blobs?endpoint=${endpoint}`, s3Access);
    await expect(store.read('a', 100)).rejects.toMatchObject({ code: 'store.unreachable' });
  });
});
