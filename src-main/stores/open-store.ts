/** Owns which adapter serves which URL. A cloud's library is loaded when a store of its kind is first opened. */
import type { BlobStore } from './blob-store.ts';
import { createFilesystemStore } from './filesystem-store.ts';
import type { StoreAccess } from './store-access.ts';
import { locateStore, type StoreKind, storeLabels } from './store-location.ts';

export interface StoreDescription {
  readonly kind: StoreKind;
  /** What a person calls it: `Folder`, `Google Cloud Storage`, … */
  readonly label: string;
  /** The folder, or bucket and prefix; never credentials. */
  readonly place: string;
}

/** What a store URL names, without opening it. Throws `store.url_invalid`. */
export function describeStore(url: string): StoreDescription {
  const location = locateStore(url);
  const label = storeLabels[location.kind];
  if (location.kind === 'filesystem') return { kind: location.kind, label, place: location.root };
  const place = [location.account, location.bucket, location.prefix].filter(Boolean).join('/').replace(/\/$/, '');
  return { kind: location.kind, label, place };
}

/**
 * The store at `url`, opened with `access`, else with what the provider's own chain finds. Opens no connection: `check()` says
 * whether it is there. Throws `store.url_invalid`, and `store.forbidden` where `access` is not of the store's kind.
 */
export async function openStore(url: string, access?: StoreAccess): Promise<BlobStore> {
  const { kind } = locateStore(url);
  switch (kind) {
    case 'filesystem':
      return createFilesystemStore(url);
    case 'gcs':
      return (await import('./gcs/gcs-store.ts')).createGcsStore(url, access);
    case 's3':
      return (await import('./s3/s3-store.ts')).createS3Store(url, access);
    case 'azure':
      return (await import('./azure/azure-store.ts')).createAzureStore(url, access);
  }
}
