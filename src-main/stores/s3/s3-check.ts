/** Owns the proof that a bucket serves as a store: rights, conditional writes, and uploads that nobody ends any more. */
import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { DomainError } from '../../contract/errors.ts';
import type { S3Place } from './s3-place.ts';
import { abortUpload } from './s3-upload.ts';

/** No upload is tried for longer; what is older only costs. */
const staleUploadMs = 7 * 24 * 60 * 60 * 1_000;
/** Of what no blob has: see `splitKey`. */
const probeFolder = '.slipway/';

/** Two writers could tear a pointer where these are ignored, as older compatible servers do. */
async function checkConditions(place: S3Place, Key: string): Promise<void> {
  const target = { Bucket: place.bucket, Key };
  const put = (condition: { IfNoneMatch?: string; IfMatch?: string }) =>
    place.run({ permission: 's3:PutObject', key: Key }, () =>
      place.client.send(new PutObjectCommand({ ...target, Body: Buffer.from('slipway'), ...condition })),
    );
  await put({ IfNoneMatch: '*' });
  for (const condition of [{ IfNoneMatch: '*' }, { IfMatch: '"00000000000000000000000000000000"' }]) {
    const header = 'IfMatch' in condition ? 'If-Match' : 'If-None-Match';
    const refused = await put(condition).then(
      () => false,
      error => {
        if (error instanceof DomainError && error.code === 'store.precondition_failed') return true;
        throw error;
      },
    );
    if (refused) continue;
    throw new DomainError(
      'store.malformed',
      `The server of ${place.url} ignores the condition ${header} on writes, so two control centers could overwrite each other's releases. Update it to a version with conditional writes, or choose another store.`,
      { url: place.url, header },
    );
  }
}

async function abortStaleUploads(place: S3Place): Promise<void> {
  const oldestMs = Date.now() - staleUploadMs;
  const { Uploads } = await place.run({ permission: 's3:ListBucketMultipartUploads' }, () =>
    place.client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: place.prefix })),
  );
  for (const { Key, UploadId, Initiated } of Uploads ?? []) {
    if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? oldestMs) >= oldestMs) continue;
    await abortUpload(place, Key.slice(place.prefix.length), UploadId);
  }
}

/** See `BlobStore.check`. Throws the first thing that is missing. */
export async function checkPlace(place: S3Place): Promise<void> {
  await place.run({ permission: 's3:ListBucket' }, () =>
    place.client.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.prefix, MaxKeys: 1 })),
  );
  const Key = `${place.prefix}${probeFolder}${randomUUID()}`;
  const target = { Bucket: place.bucket, Key };
  try {
    await checkConditions(place, Key);
    await place.run({ permission: 's3:GetObject', key: Key }, async () => {
      const { Body } = await place.client.send(new GetObjectCommand(target));
      await Body?.transformToByteArray();
    });
  } catch (error) {
    await place.client.send(new DeleteObjectCommand(target)).catch(() => undefined);
    throw error;
  }
  await place.run({ permission: 's3:DeleteObject', key: Key }, () =>
    place.client.send(new DeleteObjectCommand(target)),
  );
  // Some compatible servers do not list uploads, and not every policy allows it: such a store serves all the same.
  await abortStaleUploads(place).catch(() => undefined);
}
