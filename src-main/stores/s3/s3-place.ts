/** Owns the client of one bucket: credentials, region, endpoint, retries. */
import { HeadBucketCommand, S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';
import { DomainError } from '../../contract/errors.ts';
import type { StoreAccess } from '../store-access.ts';
import { locateStore, storeLabels } from '../store-location.ts';
import { answeredRegion, type S3Action, translateS3Error } from './s3-errors.ts';

export interface S3Place {
  readonly client: S3Client;
  readonly url: string;
  readonly bucket: string;
  /** In front of every key. */
  readonly prefix: string;
  /** Of a compatible server; null for Amazon's own. */
  readonly endpoint: string | null;
  /** Whether requests go over TLS. */
  readonly isEncrypted: boolean;
  /** Calls Amazon's client, or a body of it, and throws what it says as `store.*`. */
  run<T>(action: S3Action, call: () => Promise<T>): Promise<T>;
  translate(error: unknown, action: S3Action): unknown;
}

/** A connection that is not made within this time will not be made. */
const connectionTimeoutMs = 10_000;
/** No byte in either direction: longer than any server takes to join the parts of an upload, which it does in silence. */
const silenceTimeoutMs = 120_000;
/** Where the region of a bucket is asked for. Every bucket of the usual partition is known there. */
const askedRegion = 'us-east-1';

/**
 * The region in which Amazon keeps the bucket, which it tells to whoever asks, also with its refusal; null where its answer names
 * none: what is wrong then is said by the request that wanted to know, with a body. Throws what the network says.
 * Source: HeadBucket in the Amazon S3 API Reference, `x-amz-bucket-region`.
 */
async function discoverRegion(config: S3ClientConfig, bucket: string): Promise<string | null> {
  const client = new S3Client({ ...config, region: askedRegion });
  try {
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return BucketRegion ?? null;
  } catch (error) {
    if (error instanceof S3ServiceException) return answeredRegion(error);
    throw error;
  } finally {
    client.destroy();
  }
}

/** The bucket that `url` names. Opens no connection. Throws `store.url_invalid`. */
export function openS3Place(url: string, access: StoreAccess | undefined): S3Place {
  const location = locateStore(url);
  if (location.kind !== 's3') throw new DomainError('store.url_invalid', `${url} names no bucket of S3.`, { url });
  if (access !== undefined && access.kind !== 'access-key') {
    throw new DomainError(
      'store.forbidden',
      `${storeLabels.s3} is opened by an access key (its id and its secret), and ${url} was given a ${access.kind}. Give the store an access key, or none to use AWS_ACCESS_KEY_ID or a profile of this machine.`,
      { url },
    );
  }
  const { bucket, prefix, endpoint, region } = location;
  const config: S3ClientConfig = {
    ...(endpoint === null ? {} : { endpoint }),
    // A name with dots in it is not covered by the certificate of *.s3.amazonaws.com; compatible servers know paths at the least.
    forcePathStyle: endpoint !== null || bucket.includes('.'),
    ...(access === undefined
      ? {}
      : { credentials: { accessKeyId: access.accessKeyId, secretAccessKey: access.secretAccessKey } }),
    // Compatible servers often lack the newer checksums; uploads ask for what the server can.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: connectionTimeoutMs, socketTimeout: silenceTimeoutMs },
  };
  let known = region ?? (endpoint === null ? null : askedRegion);
  const client = new S3Client({ ...config, region: async () => known ?? askedRegion });
  const server = endpoint === null ? 'Amazon S3' : new URL(endpoint).host;
  const translate = (error: unknown, action: S3Action) =>
    translateS3Error(error, action, { url, bucket, server, region });
  return {
    client,
    url,
    bucket,
    prefix,
    endpoint,
    isEncrypted: endpoint === null || endpoint.startsWith('https:'),
    translate,
    run: async (action, call) => {
      try {
        known ??= await discoverRegion(config, bucket);
        return await call();
      } catch (error) {
        throw translate(error, action);
      }
    },
  };
}
