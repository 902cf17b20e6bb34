/** Owns the blob store in a bucket of Google Cloud Storage. Its objects carry no ACL of their own: buckets with uniform access take them. */
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { BlobEntry, BlobHead, BlobSource, BlobStore, ByteRange, PutOptions } from '../blob-store.ts';
import { createCloudStore, type Download, rangeOutside } from '../cloud-store.ts';
import type { StoreAccess } from '../store-access.ts';
import { locateStore } from '../store-location.ts';
import { checkBucket } from './check-bucket.ts';
import { createGcsClient, type GcsClient, type GcsClientOptions } from './gcs-client.ts';
import { checksumsOf, type GcsObject, gcsObjectSchema, headOf, objectFields } from './gcs-object.ts';
import { readAnswer } from './read-answer.ts';
import { uploadResumable } from './resumable-upload.ts';
import { uploadWhole } from './small-upload.ts';
import { openUploadSource, type UploadSource } from './upload-source.ts';

/** Below this one request is faster than a session, and a cut costs little. Source: cloud.google.com/storage/docs/uploads-downloads, "8 MiB". */
const smallBytes = 8 * 1024 * 1024;

/** Nothing is packed or kept on the way: sizes and checksums are those of the object. */
const asStored = { 'accept-encoding': 'identity', 'cache-control': 'no-store' };

const pageSchema = z.object({ items: z.array(gcsObjectSchema).default([]), nextPageToken: z.string().optional() });
const rewriteSchema = z.object({
  done: z.boolean(),
  totalBytesRewritten: z.string(),
  rewriteToken: z.string().optional(),
  resource: gcsObjectSchema.optional(),
});

/** Which client is behind a store of this kind, for copies within the provider. */
const clients = new WeakMap<BlobStore, { readonly client: GcsClient; readonly nameOf: (key: string) => string }>();

function generationMatch(ifVersion: string | null | undefined, key: string): string | undefined {
  if (ifVersion === undefined) return undefined;
  if (ifVersion === null) return '0';
  if (/^[1-9]\d{0,18}$/.test(ifVersion)) return ifVersion;
  throw new DomainError(
    'store.precondition_failed',
    `${key} was not written: ${JSON.stringify(ifVersion)} is no version of an object of this bucket. Read it again.`,
    { key },
  );
}

/**
 * A store in the bucket that `url` names. Opens no connection. Throws `store.url_invalid`, and `store.forbidden` where `access` is
 * not a service account's.
 */
export function createGcsStore(url: string, access?: StoreAccess, options: GcsClientOptions = {}): BlobStore {
  const location = locateStore(url);
  if (location.kind !== 'gcs') throw new DomainError('store.url_invalid', `${url} is not gs://bucket/prefix.`, { url });
  const { bucket, prefix } = location;
  const client = createGcsClient(bucket, location.endpoint, access, options);
  const bucketPath = `/storage/v1/b/${bucket}`;
  const nameOf = (key: string) => prefix + key;
  const objectPath = (name: string) => `${bucketPath}/o/${encodeURIComponent(name)}`;

  async function find(key: string): Promise<GcsObject | null> {
    const { response } = await client.send({
      method: 'GET',
      path: objectPath(nameOf(key)),
      query: { fields: objectFields },
      expected: [404],
      subject: { key, permission: 'storage.objects.get' },
    });
    if (response.status !== 404) return gcsObjectSchema.parse(await response.json());
    await refuseMissingBucket(response, key);
    return null;
  }

  /** An object that is not there is no error; a bucket that is not there is. */
  async function refuseMissingBucket(response: Response, key: string): Promise<void> {
    const body = await response.text();
    if (/bucket does not exist/i.test(body)) throw client.failure(404, response.headers, body, { permission: '', key });
  }

  async function download(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Download> {
    const { response } = await client.send({
      method: 'GET',
      path: objectPath(nameOf(key)),
      query: { alt: 'media' },
      headers: {
        ...asStored,
        ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` }),
      },
      signal,
      expected: [404, 416],
      subject: { key, permission: 'storage.objects.get' },
    });
    if (response.status === 416 && range !== undefined) {
      await response.body?.cancel();
      throw rangeOutside(key, range);
    }
    if (response.status === 404) {
      await refuseMissingBucket(response, key);
      throw new DomainError('store.not_found', `${key} is not in the store ${url}.`, { key, url });
    }
    const length = response.headers.get('content-length');
    return {
      stream: readAnswer(response, { key, bucket, isWhole: range === undefined, signal }),
      sizeBytes: length === null ? null : Number(length),
      version: response.headers.get('x-goog-generation') ?? '',
    };
  }

  /** What was stored is what was sent, or it is taken away again. */
  async function hold(
    object: GcsObject,
    key: string,
    source: UploadSource,
    crc: string | undefined,
  ): Promise<BlobHead> {
    const found = checksumsOf(object).crc32c;
    const isRight =
      Number(object.size) === source.sizeBytes && (found === undefined || crc === undefined || found === crc);
    if (isRight) return headOf(object);
    await remove(key, object.generation);
    throw new DomainError(
      'artifact.digest_mismatch',
      `What bucket ${bucket} stored as ${key} has CRC32C ${found} and ${object.size} bytes, where ${crc} and ${source.sizeBytes} were sent. It was removed; it is sent anew.`,
      { key, bucket },
    );
  }

  async function put(key: string, source: BlobSource, putOptions: PutOptions): Promise<BlobHead> {
    const name = nameOf(key);
    const ifGenerationMatch = generationMatch(putOptions.ifVersion, key);
    const opened = await openUploadSource(source, putOptions);
    const metadata: Record<string, string> = putOptions.sha256 === undefined ? {} : { sha256: putOptions.sha256 };
    const request = { client, name, key, source: opened, options: putOptions, metadata, ifGenerationMatch };
    try {
      const isSmall = opened.sizeBytes < smallBytes;
      const object = isSmall ? await uploadWhole(request) : await uploadResumable(request);
      return await hold(object, key, opened, await opened.finish());
    } finally {
      await opened.close();
    }
  }

  async function remove(key: string, generation?: string): Promise<void> {
    const { response } = await client.send({
      method: 'DELETE',
      path: objectPath(nameOf(key)),
      ...(generation === undefined ? {} : { query: { ifGenerationMatch: generation } }),
      expected: generation === undefined ? [404] : [404, 412],
      subject: { key, permission: 'storage.objects.delete' },
    });
    if (response.status === 404) await refuseMissingBucket(response, key);
    else await response.body?.cancel();
  }

  /** Source: cloud.google.com/storage/docs/json_api/v1/objects/rewrite: the same parameters with each call, and the token of the last. */
  async function rewrite(from: BlobStore, key: string, copyOptions: PutOptions): Promise<BlobHead | null> {
    const name = nameOf(key);
    const origin = clients.get(from);
    if (origin === undefined || origin.client.identity !== client.identity) return null;
    const { signal, onProgress, ifVersion } = copyOptions;
    const ifGenerationMatch = generationMatch(ifVersion, key);
    const path = `/storage/v1/b/${origin.client.bucket}/o/${encodeURIComponent(origin.nameOf(key))}/rewriteTo/b/${bucket}/o/${encodeURIComponent(name)}`;
    let token: string | undefined;
    for (;;) {
      const { response } = await client.send({
        method: 'POST',
        path,
        query: {
          ...(ifGenerationMatch === undefined ? {} : { ifGenerationMatch }),
          ...(token === undefined ? {} : { rewriteToken: token }),
        },
        headers: { 'content-length': '0' },
        signal,
        subject: { key, permission: 'storage.objects.create' },
      });
      const answer = rewriteSchema.parse(await response.json());
      onProgress?.(Number(answer.totalBytesRewritten));
      token = answer.rewriteToken;
      if (answer.resource !== undefined && answer.done) return headOf(answer.resource);
      if (token === undefined) {
        throw new DomainError('store.malformed', `Bucket ${bucket} ended the copy of ${key} without a result.`, {
          key,
        });
      }
    }
  }

  async function* list(keyPrefix: string): AsyncGenerator<BlobEntry> {
    let pageToken: string | undefined;
    do {
      const { response } = await client.send({
        method: 'GET',
        path: `${bucketPath}/o`,
        query: {
          prefix: prefix + keyPrefix,
          fields: `items(${objectFields}),nextPageToken`,
          ...(pageToken === undefined ? {} : { pageToken }),
        },
        subject: { permission: 'storage.objects.list' },
      });
      const page = pageSchema.parse(await response.json());
      for (const item of page.items) yield { key: item.name.slice(prefix.length), ...headOf(item) };
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  const store = createCloudStore({
    url,
    check: () => checkBucket(client, prefix),
    async head(key) {
      const object = await find(key);
      return object === null ? null : headOf(object);
    },
    download,
    put,
    copyFrom: rewrite,
    list,
    delete: key => remove(key),
    signedUrl: (key, lifetimeMs) => client.sign(nameOf(key), lifetimeMs),
  });
  clients.set(store, { client, nameOf });
  return store;
}
