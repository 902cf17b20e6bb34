/** Owns copies from container to container inside of Azure, without the bytes passing through here. */
import { DomainError } from '../../contract/errors.ts';
import type { BlobHead, BlobStore, PutOptions } from '../blob-store.ts';
import { locateStore } from '../store-location.ts';
import { conditionsFor, headOrNull } from './azure-head.ts';
import type { AzurePlace } from './azure-place.ts';

/** Of one request that ends when the copy does. Source: "Copy Blob From URL". */
const largestSyncBytes = 256 * 1024 * 1024;
/** The service reads the source itself, at least 60 MB/s of it within an account; a day is for the largest across regions. */
const urlLifetimeMs = 24 * 60 * 60 * 1_000;
const pollIntervalMs = 2_000;

/** Reads of the source by the service; kept apart from `signedUrl`, which gives to others no signature that was given to us. */
const sourceUrls = new WeakMap<BlobStore, (key: string) => Promise<string | null>>();

/** Makes `store` a source of copies: `urlFor` gives what the service itself reads a key by, null where it cannot. */
export function registerCopySource(store: BlobStore, urlFor: (key: string) => Promise<string | null>): void {
  sourceUrls.set(store, urlFor);
}

function refuseOther(key: string, md5: string | undefined, wanted: string | undefined): void {
  if (md5 === undefined || wanted === undefined || md5 === wanted) return;
  throw new DomainError(
    'artifact.digest_mismatch',
    `${key} has MD5 ${md5} in its source where ${wanted} was expected: the source is damaged. Nothing was copied; repair it.`,
    { key, md5, wanted },
  );
}

/** See `BlobStore.copyFrom`. Throws `store.not_found` where the source has no such key. */
export async function copyBlob(
  place: AzurePlace,
  from: BlobStore,
  key: string,
  options: PutOptions,
): Promise<BlobHead | null> {
  const { signal } = options;
  if (locateStore(from.url).kind !== 'azure') return null;
  const source = await (sourceUrls.get(from)?.(key) ?? from.signedUrl(key, urlLifetimeMs));
  if (source === null) return null;
  signal?.throwIfAborted();
  const head = await from.head(key);
  if (head === null) throw new DomainError('store.not_found', `${key} is not in the store ${from.url}.`, { key });
  refuseOther(key, head.checksums?.md5, options.checksums?.md5);
  const blob = place.container.getBlobClient(`${place.prefix}${key}`);
  const conditions = conditionsFor(options.ifVersion);
  const sourceConditions = conditionsFor(head.version);
  const action = { permission: 'write', key, signal } as const;
  if (head.sizeBytes <= largestSyncBytes) {
    await place.run(action, ({ abortSignal }) =>
      blob.syncCopyFromURL(source, { abortSignal, conditions, sourceConditions }),
    );
  } else {
    await place.run(action, async ({ onProgress }) => {
      const poller = await blob.beginCopyFromURL(source, {
        ...(signal === undefined ? {} : { abortSignal: signal }),
        conditions,
        sourceConditions,
        intervalInMs: pollIntervalMs,
        onProgress: state => {
          onProgress();
          const doneBytes = Number(state.copyProgress?.split('/')[0]);
          if (Number.isFinite(doneBytes)) options.onProgress?.(doneBytes);
        },
      });
      await poller.pollUntilDone();
    });
  }
  options.onProgress?.(head.sizeBytes);
  const copied = await headOrNull(place, key);
  if (copied === null) throw new DomainError('store.not_found', `${key} is gone from ${place.url} again.`, { key });
  return copied;
}
