/** Owns what S3 tells of an object in its answers, in the words of the port. */
import { HeadObjectCommand, type HeadObjectCommandOutput, S3ServiceException } from '@aws-sdk/client-s3';
import type { BlobChecksums, BlobHead } from '../blob-store.ts';
import type { S3Place } from './s3-place.ts';

/** An ETag as the port's version; quotes are part of the header, not of the value. */
export function versionOf(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** A version as S3 wants it in a condition. */
export function etagOf(version: string): string {
  return `"${version.replaceAll('"', '')}"`;
}

type Told = Pick<
  HeadObjectCommandOutput,
  'ETag' | 'ServerSideEncryption' | 'SSECustomerAlgorithm' | 'ChecksumCRC32C' | 'ChecksumType'
>;

/**
 * What the server computed. An ETag is an MD5 unless the object came in parts or is encrypted by a key of KMS or the customer; a
 * CRC32C is the whole's unless it is made of the parts' (`abc=-3`). Source: "Checking object integrity", Amazon S3 User Guide.
 */
function checksumsOf(told: Told): BlobChecksums | null {
  const version = versionOf(told.ETag);
  const isPlain =
    (told.ServerSideEncryption === undefined || told.ServerSideEncryption === 'AES256') &&
    told.SSECustomerAlgorithm === undefined;
  const md5 = isPlain && /^[0-9a-f]{32}$/.test(version) ? version : null;
  const crc = told.ChecksumType === 'COMPOSITE' ? undefined : told.ChecksumCRC32C;
  const crc32c =
    crc !== undefined && /^[A-Za-z0-9+/]{6}==$/.test(crc) ? Buffer.from(crc, 'base64').toString('hex') : null;
  if (md5 === null && crc32c === null) return null;
  return { ...(crc32c === null ? {} : { crc32c }), ...(md5 === null ? {} : { md5 }) };
}

/** The object's head; null where there is none. */
export async function headOrNull(place: S3Place, key: string): Promise<BlobHead | null> {
  return place.run({ permission: 's3:GetObject', key }, async () => {
    try {
      const told = await place.client.send(
        new HeadObjectCommand({ Bucket: place.bucket, Key: `${place.prefix}${key}`, ChecksumMode: 'ENABLED' }),
      );
      const checksums = checksumsOf(told);
      return {
        sizeBytes: told.ContentLength ?? 0,
        version: versionOf(told.ETag),
        modifiedAtMs: told.LastModified?.getTime() ?? 0,
        ...(checksums === null ? {} : { checksums }),
      };
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return null;
      throw error;
    }
  });
}

/**
 * What was just written. The answer to a write says neither time nor checksums, so the server is asked; where somebody else
 * has written meanwhile, it is the version of the own write that is told.
 */
export async function headWritten(place: S3Place, key: string, version: string, sizeBytes: number): Promise<BlobHead> {
  const head = await headOrNull(place, key);
  return head?.version === version ? head : { sizeBytes, version, modifiedAtMs: Date.now() };
}
