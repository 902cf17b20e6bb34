/** Owns copies from bucket to bucket inside of one provider, without the bytes passing through here. */
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { DomainError } from '../../contract/errors.ts';
import type { BlobHead, BlobStore, PutOptions } from '../blob-store.ts';
import { asPrecondition } from '../cloud-store.ts';
import { locateStore } from '../store-location.ts';
import { etagOf, headWritten, versionOf } from './s3-head.ts';
import type { S3Place } from './s3-place.ts';
import { abortUpload, condition } from './s3-upload.ts';

const gibibyte = 1024 ** 3;
/** What one request copies at most, and the parts of what is larger. Source: CopyObject in the Amazon S3 API Reference. */
const amazonLimits = { wholeBytes: 5 * gibibyte, partBytes: gibibyte };
/** Requests at once: the server does the work. */
const parallelCopies = 4;

interface CopySource {
  readonly head: BlobHead;
  /** Encoded, as the header wants it. */
  readonly path: string;
}

async function copyParts(
  place: S3Place,
  key: string,
  source: CopySource,
  partBytes: number,
  options: PutOptions,
): Promise<string> {
  const target = { Bucket: place.bucket, Key: `${place.prefix}${key}` };
  const { signal } = options;
  const abortable = signal === undefined ? {} : { abortSignal: signal };
  const action = { permission: 's3:PutObject', key, signal };
  const { UploadId } = await place.run(action, () =>
    place.client.send(new CreateMultipartUploadCommand(target), abortable),
  );
  const { sizeBytes, version } = source.head;
  const parts: CompletedPart[] = [];
  let next = 0;
  let doneBytes = 0;
  const copyNext = async () => {
    for (let index = next++; index * partBytes < sizeBytes; index = next++) {
      const end = Math.min(sizeBytes, (index + 1) * partBytes) - 1;
      const { CopyPartResult } = await place.run(action, () =>
        place.client.send(
          new UploadPartCopyCommand({
            ...target,
            UploadId,
            PartNumber: index + 1,
            CopySource: source.path,
            CopySourceIfMatch: etagOf(version),
            CopySourceRange: `bytes=${index * partBytes}-${end}`,
          }),
          abortable,
        ),
      );
      parts[index] = { PartNumber: index + 1, ETag: CopyPartResult?.ETag };
      doneBytes += end + 1 - index * partBytes;
      options.onProgress?.(doneBytes);
    }
  };
  try {
    await Promise.all(Array.from({ length: parallelCopies }, copyNext));
    const { ETag } = await place.run(action, () =>
      place.client.send(
        new CompleteMultipartUploadCommand({
          ...target,
          UploadId,
          MultipartUpload: { Parts: parts },
          ...condition(options.ifVersion),
        }),
        abortable,
      ),
    );
    return versionOf(ETag);
  } catch (error) {
    next = Number.MAX_SAFE_INTEGER;
    if (UploadId !== undefined) await abortUpload(place, key, UploadId).catch(() => undefined);
    throw error;
  }
}

/** What the server computed of the copy must be what was promised of it. Removes the copy and throws `artifact.digest_mismatch`. */
function refuseOther(key: string, head: BlobHead, { checksums }: PutOptions): DomainError | null {
  for (const name of ['md5', 'crc32c'] as const) {
    const [is, wanted] = [head.checksums?.[name], checksums?.[name]];
    if (is !== undefined && wanted !== undefined && is !== wanted) {
      return new DomainError(
        'artifact.digest_mismatch',
        `The copy of ${key} has ${name.toUpperCase()} ${is} where ${wanted} was expected: its source is damaged. The copy was removed; repair the source.`,
        { key, is, wanted },
      );
    }
  }
  return null;
}

/** See `BlobStore.copyFrom`. Throws `store.not_found` where the source has no such key. */
export async function copyObject(
  place: S3Place,
  from: BlobStore,
  key: string,
  options: PutOptions,
  limits = amazonLimits,
): Promise<BlobHead | null> {
  const location = locateStore(from.url);
  if (location.kind !== 's3' || location.endpoint !== place.endpoint) return null;
  const head = await from.head(key);
  if (head === null) throw new DomainError('store.not_found', `${key} is not in the store ${from.url}.`, { key });
  const path = `${location.bucket}/${location.prefix}${key}`.split('/').map(encodeURIComponent).join('/');
  const source = { head, path };
  try {
    const version =
      head.sizeBytes > limits.wholeBytes
        ? await copyParts(place, key, source, limits.partBytes, options)
        : await copyWhole(place, key, source, options);
    const copied = await headWritten(place, key, version, head.sizeBytes);
    const refusal = refuseOther(key, copied, options);
    if (refusal !== null) throw refusal;
    options.onProgress?.(head.sizeBytes);
    return copied;
  } catch (error) {
    // These credentials may not read there, or this server cannot copy: the caller uploads instead.
    if (error instanceof DomainError && (error.code === 'store.forbidden' || isNotImplemented(error))) return null;
    throw asPrecondition(error, key, options.ifVersion);
  }
}

function isNotImplemented(error: DomainError): boolean {
  return error.details.said === 'NotImplemented' || error.details.said === 'MethodNotAllowed';
}

async function copyWhole(place: S3Place, key: string, source: CopySource, options: PutOptions): Promise<string> {
  const { CopyObjectResult } = await place.run({ permission: 's3:PutObject', key, signal: options.signal }, () =>
    place.client.send(
      new CopyObjectCommand({
        Bucket: place.bucket,
        Key: `${place.prefix}${key}`,
        CopySource: source.path,
        CopySourceIfMatch: etagOf(source.head.version),
        ...(place.endpoint === null ? { ChecksumAlgorithm: 'CRC32C' } : {}),
        ...condition(options.ifVersion),
      }),
      options.signal === undefined ? {} : { abortSignal: options.signal },
    ),
  );
  return versionOf(CopyObjectResult?.ETag);
}
