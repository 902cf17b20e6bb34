/** Owns how bytes reach Azure: a small source in one request, a large one in blocks that survive a restart. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type BlockBlobClient, RestError } from '@azure/storage-blob';
import { DomainError } from '../../contract/errors.ts';
import type { BlobHead, BlobSource, PutOptions } from '../blob-store.ts';
import {
  newMark,
  partBytesFor,
  partsDone,
  readMark,
  sendParts,
  singlePutBytes,
  type UploadMark,
} from '../part-upload.ts';
import { type FileSource, readWhole, SourceReader, sourceBytes, type WantedDigests } from '../source-reader.ts';
import { conditionsFor, headOf } from './azure-head.ts';
import type { AzurePlace, Call } from './azure-place.ts';

/** Source: "Scalability and performance targets for Blob storage". */
const maxBlocks = 50_000;

/** Tells a blob that this put has written from one that another put of the same bytes has. Source: "Naming metadata": a C# identifier. */
const writtenBy = 'slipwayput';

/** All ids of a blob must have one length; the upload's own name in front keeps two uploads of one key apart. */
function blockId(upload: string, index: number): string {
  return Buffer.from(`${upload}-${String(index).padStart(6, '0')}`).toString('base64');
}

async function putSmall(
  place: AzurePlace,
  blob: BlockBlobClient,
  key: string,
  source: BlobSource,
  options: PutOptions,
): Promise<BlobHead> {
  const { signal } = options;
  const { bytes, md5 } = await readWhole(source, options, signal);
  await options.throttle?.(bytes.length);
  signal?.throwIfAborted();
  const contentMD5 = Buffer.from(md5, 'hex');
  const put = randomUUID();
  try {
    return await place.run({ permission: 'write', key, signal }, async call => {
      const told = await blob.upload(bytes, bytes.length, {
        ...call,
        conditions: conditionsFor(options.ifVersion),
        transactionalContentMD5: contentMD5,
        blobHTTPHeaders: { blobContentMD5: contentMD5 },
        ...(options.ifVersion === undefined ? {} : { metadata: { [writtenBy]: put } }),
      });
      return headOf({ ...told, contentLength: bytes.length, contentMD5 });
    });
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'store.precondition_failed') throw error;
    // The answer to a first try may have been lost: then it is our own write that stands in the way of the client's second.
    const own = await place.run({ permission: 'read', key, signal }, call => findOwn(blob, put, call));
    if (own === null) throw error;
    return own;
  }
}

async function findOwn(blob: BlockBlobClient, put: string, call: Call): Promise<BlobHead | null> {
  try {
    const told = await blob.getProperties(call);
    return told.metadata?.[writtenBy] === put ? headOf(told) : null;
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return null;
    throw error;
  }
}

/** Whether the server still has each block that the mark tells of; it drops them after a week. Source: "Put Block". */
async function hasBlocks(place: AzurePlace, blob: BlockBlobClient, mark: UploadMark): Promise<boolean> {
  const sizes = await place.run({ permission: 'read', key: mark.key }, async call => {
    try {
      const { uncommittedBlocks = [] } = await blob.getBlockList('uncommitted', call);
      return new Map(uncommittedBlocks.map(block => [block.name, block.size]));
    } catch (error) {
      if (error instanceof RestError && error.statusCode === 404) return new Map<string, number>();
      throw error;
    }
  });
  for (let index = 0; index < partsDone(mark); index += 1) {
    const wantedBytes = Math.min(mark.partBytes, mark.sizeBytes - index * mark.partBytes);
    if (sizes.get(blockId(mark.place, index)) !== wantedBytes) return false;
  }
  return true;
}

/** The mark of a try before with `reader` behind what is there, or a new one with `reader` at the start. */
async function openUpload(
  place: AzurePlace,
  blob: BlockBlobClient,
  key: string,
  source: FileSource,
  options: PutOptions,
): Promise<{ readonly mark: UploadMark; readonly reader: SourceReader }> {
  // Azure keeps what it is told of the whole: what is known already need not be computed.
  const wanted: WantedDigests = { md5: options.checksums?.md5 === undefined, part: ['md5'] };
  const kept = readMark(options.resume?.state, key, source);
  const isNamed = kept !== null && /^[0-9a-f]{16}$/.test(kept.place);
  if (isNamed && kept.doneBytes > 0 && (await hasBlocks(place, blob, kept))) {
    const reader = await SourceReader.open(source, options, wanted);
    try {
      if (await reader.skip(kept.doneBytes, kept.sha256, options.signal)) return { mark: kept, reader };
    } catch (error) {
      await reader.close();
      throw error;
    }
    await reader.close();
  }
  const mark = newMark(randomBytes(8).toString('hex'), key, source, partBytesFor(source.sizeBytes, maxBlocks));
  const reader = await SourceReader.open(source, options, wanted);
  try {
    await options.resume?.save(JSON.stringify(mark));
    return { mark, reader };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function putLarge(
  place: AzurePlace,
  blob: BlockBlobClient,
  key: string,
  source: FileSource,
  options: PutOptions,
): Promise<BlobHead> {
  const { mark, reader } = await openUpload(place, blob, key, source, options);
  try {
    const { md5 } = await sendParts(reader, mark, options, async ({ index, bytes, digests }, signal) => {
      const transactionalContentMD5 = Buffer.from(digests.md5 ?? '', 'hex');
      await place.run({ permission: 'write', key, signal }, call =>
        blob.stageBlock(blockId(mark.place, index), bytes, bytes.length, { ...call, transactionalContentMD5 }),
      );
    });
    const contentMD5 = Buffer.from(md5 ?? options.checksums?.md5 ?? '', 'hex');
    const count = Math.ceil(mark.sizeBytes / mark.partBytes);
    const ids = Array.from({ length: count }, (_, index) => blockId(mark.place, index));
    return await place.run({ permission: 'write', key, signal: options.signal }, async ({ abortSignal }) => {
      const told = await blob.commitBlockList(ids, {
        abortSignal,
        conditions: conditionsFor(options.ifVersion),
        blobHTTPHeaders: { blobContentMD5: contentMD5 },
      });
      return headOf({ ...told, contentLength: source.sizeBytes, contentMD5 });
    });
  } finally {
    await reader.close();
  }
}

/** See `BlobStore.put`. What an upload leaves behind the server drops by itself, after a week. */
export async function putBlob(
  place: AzurePlace,
  key: string,
  source: BlobSource,
  options: PutOptions,
): Promise<BlobHead> {
  const blob = place.container.getBlockBlobClient(`${place.prefix}${key}`);
  const isLarge = source.kind === 'file' && source.sizeBytes > singlePutBytes;
  const head = isLarge
    ? await putLarge(place, blob, key, source, options)
    : await putSmall(place, blob, key, source, options);
  options.onProgress?.(sourceBytes(source));
  return head;
}
