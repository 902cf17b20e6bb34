/** Owns the blob store in a bucket of S3 or of a compatible server. Knows nothing of what the blobs mean. */
import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { BlobStore, ByteRange } from '../blob-store.ts';
import { createCloudStore, type Download } from '../cloud-store.ts';
import type { StoreAccess } from '../store-access.ts';
import { translatedStream } from '../translated-stream.ts';
import { checkPlace } from './s3-check.ts';
import { copyObject } from './s3-copy.ts';
import { headOrNull, versionOf } from './s3-head.ts';
import { openS3Place } from './s3-place.ts';
import { putObject } from './s3-upload.ts';

/** Longer ones are refused. Source: "Sharing objects with presigned URLs", Amazon S3 User Guide. */
const longestUrlSeconds = 7 * 24 * 60 * 60;

/**
 * The store in the bucket that `url` names (`s3://bucket/prefix?region=…&endpoint=…`). Without `access` the usual chain is asked:
 * environment, profiles, the role of the machine. Opens no connection. Throws `store.url_invalid`, `store.forbidden`.
 */
export function createS3Store(url: string, access?: StoreAccess): BlobStore {
  const place = openS3Place(url, access);
  const { client, bucket, prefix } = place;
  const target = (key: string) => ({ Bucket: bucket, Key: `${prefix}${key}` });

  async function download(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Download> {
    const action = { permission: 's3:GetObject', key, signal };
    const answer = await place.run(action, () =>
      client.send(
        new GetObjectCommand({
          ...target(key),
          ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
        }),
        signal === undefined ? {} : { abortSignal: signal },
      ),
    );
    if (!(answer.Body instanceof Readable)) throw new Error('the client of S3 gave no stream');
    const body: Readable = answer.Body;
    const translate = (error: unknown) => place.translate(error, action);
    return {
      stream: translatedStream(body, signal, translate),
      sizeBytes: answer.ContentLength ?? null,
      version: versionOf(answer.ETag),
    };
  }

  return createCloudStore({
    url,
    check: () => checkPlace(place),
    download,
    head: key => headOrNull(place, key),
    put: (key, source, options) => putObject(place, key, source, options),
    copyFrom: (from, key, options) => copyObject(place, from, key, options),
    async *list(wanted) {
      let token: string | undefined;
      do {
        const page = await place.run({ permission: 's3:ListBucket' }, () =>
          client.send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: `${prefix}${wanted}`,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
          ),
        );
        for (const object of page.Contents ?? []) {
          yield {
            key: (object.Key ?? '').slice(prefix.length),
            sizeBytes: object.Size ?? 0,
            version: versionOf(object.ETag),
            modifiedAtMs: object.LastModified?.getTime() ?? 0,
          };
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    async delete(key) {
      await place.run({ permission: 's3:DeleteObject', key }, () => client.send(new DeleteObjectCommand(target(key))));
    },
    async signedUrl(key, lifetimeMs) {
      const expiresIn = Math.min(longestUrlSeconds, Math.max(1, Math.floor(lifetimeMs / 1_000)));
      return place.run({ permission: 's3:GetObject', key }, () =>
        getSignedUrl(client, new GetObjectCommand(target(key)), { expiresIn }),
      );
    },
  });
}
