/** Owns the upload of what is small: one request with description, checksums and bytes. */
import { randomUUID } from 'node:crypto';
import type { PutOptions } from '../blob-store.ts';
import type { GcsClient } from './gcs-client.ts';
import { type GcsObject, gcsObjectSchema, googleChecksums, objectFields } from './gcs-object.ts';
import type { UploadSource } from './upload-source.ts';

export interface SmallUpload {
  readonly client: GcsClient;
  readonly name: string;
  readonly key: string;
  readonly source: UploadSource;
  readonly options: PutOptions;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ifGenerationMatch?: string | undefined;
}

/** Tells an object that this put has written from one that another put of the same bytes has. */
const writtenBy = 'slipway-put';

async function readAll(source: UploadSource): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(source.sizeBytes);
  let at = 0;
  for await (const chunk of source.chunks(0, source.sizeBytes)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Throws `store.*`, `artifact.digest_mismatch`, the signal's reason. Source: cloud.google.com/storage/docs/uploading-objects, multipart. */
export async function uploadWhole(upload: SmallUpload): Promise<GcsObject> {
  const { client, name, key, source, options, ifGenerationMatch } = upload;
  const { signal, throttle, onProgress, checksums = {} } = options;
  const bytes = await readAll(source);
  const crc32c = await source.finish();
  const put = randomUUID();
  const resource = {
    name,
    contentType: 'application/octet-stream',
    metadata: { ...upload.metadata, ...(ifGenerationMatch === undefined ? {} : { [writtenBy]: put }) },
    ...googleChecksums({ ...checksums, ...(crc32c === undefined ? {} : { crc32c }) }),
  };
  const boundary = `slipway-${put}`;
  const head = `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--`)]);
  await throttle?.(bytes.length);
  signal?.throwIfAborted();
  let answered: GcsObject;
  const { response, tries } = await client.send({
    method: 'POST',
    path: `/upload/storage/v1/b/${client.bucket}/o`,
    query: {
      uploadType: 'multipart',
      fields: objectFields,
      ...(ifGenerationMatch === undefined ? {} : { ifGenerationMatch }),
    },
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body,
    signal,
    expected: ifGenerationMatch === undefined ? [] : [412],
    subject: { key, permission: 'storage.objects.create' },
  });
  if (response.status === 412) {
    const error = client.failure(412, response.headers, await response.text(), {
      key,
      permission: 'storage.objects.create',
    });
    // An answer may be lost after the deed: then the version that stands in the way is the one that this put has written.
    const found = tries === 1 ? null : await findOwn(client, name, key, put);
    if (found === null) throw error;
    answered = found;
  } else {
    answered = gcsObjectSchema.parse(await response.json());
  }
  onProgress?.(bytes.length);
  return answered;
}

async function findOwn(client: GcsClient, name: string, key: string, put: string): Promise<GcsObject | null> {
  const { response } = await client.send({
    method: 'GET',
    path: `/storage/v1/b/${client.bucket}/o/${encodeURIComponent(name)}`,
    query: { fields: objectFields },
    expected: [404],
    subject: { key, permission: 'storage.objects.get' },
  });
  if (response.status === 404) {
    await response.body?.cancel();
    return null;
  }
  const object = gcsObjectSchema.parse(await response.json());
  return object.metadata?.[writtenBy] === put ? object : null;
}
