/** Owns how bytes reach S3: a small source in one request, a large one in parts that survive a restart. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DomainError } from '../../contract/errors.ts';
import type { BlobHead, BlobSource, PutOptions } from '../blob-store.ts';
import {
  canGoOn,
  newMark,
  partBytesFor,
  partsDone,
  readMark,
  type SourcePart,
  sendParts,
  singlePutBytes,
  type UploadMark,
} from '../part-upload.ts';
import { type FileSource, readWhole, SourceReader, sourceBytes, type WantedDigests } from '../source-reader.ts';
import { base64Of, signContentAs, unsignedContent } from './s3-content.ts';
import { etagOf, headOrNull, headWritten, versionOf } from './s3-head.ts';
import type { S3Place } from './s3-place.ts';

/** Source: "Amazon S3 multipart upload limits". */
const maxParts = 10_000;

/** What the server keeps of an upload that has not ended. */
interface OpenUpload {
  readonly mark: UploadMark;
  /** By part number, which begins at 1. */
  readonly parts: Map<number, Part>;
  /** Whether the server checks each part by CRC32C, and keeps one of the whole; else each is sent with its MD5. */
  readonly takesCrc32c: boolean;
}

export function condition(ifVersion: string | null | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (ifVersion === undefined) return {};
  return ifVersion === null ? { IfNoneMatch: '*' } : { IfMatch: etagOf(ifVersion) };
}

function attemptsOf(error: unknown): number {
  const cause = error instanceof DomainError ? error.cause : error;
  return cause instanceof S3ServiceException ? (cause.$metadata.attempts ?? 1) : 1;
}

async function putSmall(place: S3Place, key: string, source: BlobSource, options: PutOptions): Promise<BlobHead> {
  const { signal } = options;
  const { bytes, md5 } = await readWhole(source, options, signal);
  await options.throttle?.(bytes.length);
  signal?.throwIfAborted();
  const crc32c = options.checksums?.crc32c;
  const send = () =>
    place.client.send(
      new PutObjectCommand({
        Bucket: place.bucket,
        Key: `${place.prefix}${key}`,
        Body: bytes,
        ContentLength: bytes.length,
        ContentMD5: base64Of(md5),
        ...(crc32c === undefined ? {} : { ChecksumCRC32C: base64Of(crc32c) }),
        // An ETag is no MD5 where the bucket encrypts by KMS; then this one is what the server tells of the content.
        ...(crc32c === undefined && place.endpoint === null ? { ChecksumAlgorithm: 'CRC32C' } : {}),
        ...condition(options.ifVersion),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
  try {
    const { ETag } = await place.run({ permission: 's3:PutObject', key, signal }, send);
    return await headWritten(place, key, versionOf(ETag), bytes.length);
  } catch (error) {
    // The answer to a first try may have been lost: then it is our own write that stands in the way of the second.
    if (error instanceof DomainError && error.code === 'store.precondition_failed' && attemptsOf(error) > 1) {
      const head = await headOrNull(place, key);
      if (head !== null && head.version === md5 && head.sizeBytes === bytes.length) return head;
    }
    throw error;
  }
}

async function createUpload(place: S3Place, key: string, source: FileSource, options: PutOptions): Promise<OpenUpload> {
  const create = (withCrc32c: boolean) =>
    place.run({ permission: 's3:PutObject', key, signal: options.signal }, () =>
      place.client.send(
        new CreateMultipartUploadCommand({
          Bucket: place.bucket,
          Key: `${place.prefix}${key}`,
          ...(withCrc32c ? { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' } : {}),
        }),
      ),
    );
  const created = await create(true).catch(error => {
    // A compatible server that knows no checksums mostly ignores them, and answers without; some refuse.
    const cause = error instanceof DomainError ? error.cause : null;
    const status = cause instanceof S3ServiceException ? cause.$metadata.httpStatusCode : undefined;
    if (status === 400 || status === 501) return create(false);
    throw error;
  });
  const partBytes = partBytesFor(source.sizeBytes, maxParts);
  const mark = newMark(created.UploadId ?? '', key, source, partBytes);
  const takesCrc32c = created.ChecksumAlgorithm === 'CRC32C' && created.ChecksumType === 'FULL_OBJECT';
  await options.resume?.save(JSON.stringify(mark));
  return { mark, parts: new Map(), takesCrc32c };
}

/** What the server has of an upload; null where it knows the upload no more, or lacks what the mark says. */
async function findUpload(place: S3Place, mark: UploadMark): Promise<OpenUpload | null> {
  const parts = new Map<number, Part>();
  let takesCrc32c = false;
  let marker: string | undefined;
  do {
    const page = await place.run({ permission: 's3:ListMultipartUploadParts', key: mark.key }, async () => {
      try {
        return await place.client.send(
          new ListPartsCommand({
            Bucket: place.bucket,
            Key: `${place.prefix}${mark.key}`,
            UploadId: mark.place,
            ...(marker === undefined ? {} : { PartNumberMarker: marker }),
          }),
        );
      } catch (error) {
        // Also what says that such an id cannot be: it is kept outside of the program.
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        if (status === 404 || status === 400) return null;
        throw error;
      }
    });
    if (page === null) return null;
    takesCrc32c = page.ChecksumAlgorithm === 'CRC32C' && page.ChecksumType === 'FULL_OBJECT';
    for (const part of page.Parts ?? []) if (part.PartNumber !== undefined) parts.set(part.PartNumber, part);
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  for (let number = 1; number <= partsDone(mark); number += 1) {
    const wantedBytes = Math.min(mark.partBytes, mark.sizeBytes - (number - 1) * mark.partBytes);
    if (parts.get(number)?.Size !== wantedBytes) return null;
  }
  return { mark, parts, takesCrc32c };
}

export async function abortUpload(place: S3Place, key: string, uploadId: string): Promise<void> {
  await place.run({ permission: 's3:AbortMultipartUpload', key }, async () => {
    try {
      const Key = `${place.prefix}${key}`;
      await place.client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key, UploadId: uploadId }));
    } catch (error) {
      if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) throw error;
    }
  });
}

/** What the server checks each part by; the whole is held against what was promised of it, in the same pass. */
function wantedFor({ takesCrc32c }: OpenUpload, place: S3Place): WantedDigests {
  return { md5: false, part: [takesCrc32c ? 'crc32c' : 'md5', ...(place.isEncrypted ? [] : (['sha256'] as const))] };
}

/** The upload of a try before with `reader` behind what is there, or a new one with `reader` at the start. */
async function openUpload(
  place: S3Place,
  key: string,
  source: FileSource,
  options: PutOptions,
): Promise<{ readonly upload: OpenUpload; readonly reader: SourceReader }> {
  const mark = readMark(options.resume?.state, key, source);
  const found = mark === null ? null : await findUpload(place, mark);
  if (found !== null) {
    const reader = await SourceReader.open(source, options, wantedFor(found, place));
    try {
      const { doneBytes, sha256 } = found.mark;
      if (await reader.skip(doneBytes, sha256, options.signal)) return { upload: found, reader };
    } catch (error) {
      await reader.close();
      throw error;
    }
    await reader.close();
    await abortUpload(place, key, found.mark.place);
  }
  const upload = await createUpload(place, key, source, options);
  try {
    return { upload, reader: await SourceReader.open(source, options, wantedFor(upload, place)) };
  } catch (error) {
    await abortUpload(place, key, upload.mark.place).catch(() => undefined);
    throw error;
  }
}

/** The part's own digests go with it: the client would read it again for each. */
async function sendPart(
  place: S3Place,
  key: string,
  { mark, parts }: OpenUpload,
  { index, bytes, digests }: SourcePart,
  signal: AbortSignal,
): Promise<void> {
  const command = new UploadPartCommand({
    Bucket: place.bucket,
    Key: `${place.prefix}${key}`,
    UploadId: mark.place,
    PartNumber: index + 1,
    Body: bytes,
    ContentLength: bytes.length,
    ...(digests.crc32c === undefined ? {} : { ChecksumCRC32C: base64Of(digests.crc32c) }),
    ...(digests.md5 === undefined ? {} : { ContentMD5: base64Of(digests.md5) }),
  });
  signContentAs(command, digests.sha256 ?? unsignedContent);
  const { ETag, ChecksumCRC32C } = await place.run({ permission: 's3:PutObject', key, signal }, () =>
    place.client.send(command, { abortSignal: signal }),
  );
  parts.set(index + 1, { PartNumber: index + 1, ETag, ChecksumCRC32C, Size: bytes.length });
}

async function putLarge(place: S3Place, key: string, source: FileSource, options: PutOptions): Promise<BlobHead> {
  const { upload, reader } = await openUpload(place, key, source, options);
  const { mark, parts, takesCrc32c } = upload;
  try {
    await sendParts(reader, mark, options, (part, signal) => sendPart(place, key, upload, part, signal));
    const crc32c = options.checksums?.crc32c;
    const whole = crc32c === undefined ? {} : { ChecksumCRC32C: base64Of(crc32c) };
    const count = Math.ceil(mark.sizeBytes / mark.partBytes);
    const completed = await place.run({ permission: 's3:PutObject', key, signal: options.signal }, () =>
      place.client.send(
        new CompleteMultipartUploadCommand({
          Bucket: place.bucket,
          Key: `${place.prefix}${key}`,
          UploadId: mark.place,
          ...(takesCrc32c ? { ChecksumType: 'FULL_OBJECT', ...whole } : {}),
          ...condition(options.ifVersion),
          MultipartUpload: {
            Parts: Array.from({ length: count }, (_, index) => {
              const part = parts.get(index + 1);
              const crc = takesCrc32c ? part?.ChecksumCRC32C : undefined;
              return { PartNumber: index + 1, ETag: part?.ETag, ...(crc === undefined ? {} : { ChecksumCRC32C: crc }) };
            }),
          },
        }),
        options.signal === undefined ? {} : { abortSignal: options.signal },
      ),
    );
    return await headWritten(place, key, versionOf(completed.ETag), source.sizeBytes);
  } catch (error) {
    if (!canGoOn(error, options)) await abortUpload(place, key, mark.place).catch(() => undefined);
    throw error;
  } finally {
    await reader.close();
  }
}

/** See `BlobStore.put`. */
export async function putObject(
  place: S3Place,
  key: string,
  source: BlobSource,
  options: PutOptions,
): Promise<BlobHead> {
  const isLarge = source.kind === 'file' && source.sizeBytes > singlePutBytes;
  const head = isLarge ? await putLarge(place, key, source, options) : await putSmall(place, key, source, options);
  options.onProgress?.(sourceBytes(source));
  return head;
}
