/** Owns the blob store in a container of Azure. Knows nothing of what the blobs mean. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { BlobSASPermissions } from '@azure/storage-blob';
import type { BlobStore, ByteRange } from '../blob-store.ts';
import { createCloudStore, type Download, rangeOutside } from '../cloud-store.ts';
import type { StoreAccess } from '../store-access.ts';
import { translatedStream } from '../translated-stream.ts';
import { copyBlob, registerCopySource } from './azure-copy.ts';
import { headOf, headOrNull, versionOf } from './azure-head.ts';
import { openAzurePlace } from './azure-place.ts';
import { putBlob } from './azure-upload.ts';

/** Of a download that breaks off: the client asks for the rest of the same version. */
const maxRetryRequests = 3;
/** Of what no blob has: see `splitKey`. */
const probeFolder = '.slipway/';

/**
 * The store in the container that `url` names (`azure://account/container/prefix?endpoint=…`). Without `access` the environment is
 * asked, then the managed identity of the machine. Opens no connection. Throws `store.url_invalid`, `store.forbidden`.
 */
export function createAzureStore(url: string, access?: StoreAccess): BlobStore {
  const place = openAzurePlace(url, access);
  const { container, prefix } = place;
  const blobFor = (key: string) => container.getBlobClient(`${prefix}${key}`);

  async function download(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Download> {
    const action = { permission: 'read', key, signal } as const;
    // The client's own signal would end the stream too; here it is ended by destroying it.
    const answer = await place.run(action, ({ abortSignal }) =>
      blobFor(key).download(range?.start ?? 0, range === undefined ? undefined : range.end - range.start + 1, {
        abortSignal,
        maxRetryRequests,
      }),
    );
    if (!(answer.readableStreamBody instanceof Readable)) throw new Error('the client of Azure gave no stream');
    const body: Readable = answer.readableStreamBody;
    const totalBytes = Number(answer.contentRange?.split('/')[1] ?? Number.NaN);
    if (range !== undefined && range.start >= totalBytes) {
      body.destroy();
      throw rangeOutside(key, range);
    }
    return {
      stream: translatedStream(body, signal, error => place.translate(error, action)),
      sizeBytes: answer.contentLength ?? null,
      version: versionOf(answer.etag),
    };
  }

  async function check(): Promise<void> {
    await place.run({ permission: 'list' }, call =>
      container
        .listBlobsFlat({ ...call, prefix })
        .byPage({ maxPageSize: 1 })
        .next(),
    );
    const key = `${probeFolder}${randomUUID()}`;
    const blob = container.getBlockBlobClient(`${prefix}${key}`);
    await place.run({ permission: 'write', key }, call => blob.upload('slipway', 7, call));
    await place.run({ permission: 'read', key }, call => blob.downloadToBuffer(0, 7, call));
    await place.run({ permission: 'delete', key }, call => blob.delete(call));
  }

  const store = createCloudStore({
    url,
    check,
    download,
    head: key => headOrNull(place, key),
    put: (key, source, options) => putBlob(place, key, source, options),
    copyFrom: (from, key, options) => copyBlob(place, from, key, options),
    async *list(wanted) {
      const pages = container.listBlobsFlat({ prefix: `${prefix}${wanted}` }).byPage();
      for (;;) {
        const page = await place.run({ permission: 'list' }, () => pages.next());
        if (page.done === true) return;
        for (const { name, properties } of page.value.segment.blobItems) {
          yield { key: name.slice(prefix.length), ...headOf(properties) };
        }
      }
    },
    async delete(key) {
      await place.run({ permission: 'delete', key }, call => blobFor(key).deleteIfExists(call));
    },
    async signedUrl(key, lifetimeMs) {
      if (!place.canSign) return null;
      return blobFor(key).generateSasUrl({
        permissions: BlobSASPermissions.parse('r'),
        expiresOn: new Date(Date.now() + lifetimeMs),
      });
    },
  });
  // A signature that was given to us is in the client's own URL.
  if (!place.canSign && place.isSigned) registerCopySource(store, async key => blobFor(key).url);
  return store;
}
