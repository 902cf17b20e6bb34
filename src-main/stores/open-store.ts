/** Owns which adapter serves which URL. A cloud's library is loaded when a store of its kind is first opened. */
import { DomainError } from '../contract/errors.ts';
import type { BlobStore } from './blob-store.ts';
import { createFilesystemStore } from './filesystem-store.ts';
import { locateStore, type StoreKind, storeLabels, withoutCredentials } from './store-location.ts';

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

/** The store at `url`. Opens no connection: `check()` says whether it is there. Throws `store.url_invalid`. */
export async function openStore(url: string): Promise<BlobStore> {
  const location = locateStore(url);
  if (location.kind === 'filesystem') return createFilesystemStore(url);
  throw new DomainError(
    'store.url_invalid',
    `${JSON.stringify(withoutCredentials(url))} is on ${storeLabels[location.kind]}, which comes with the cloud adapters; this version stores in folders. Give one such as file:///srv/blobs.`,
    { url: withoutCredentials(url), kind: location.kind },
  );
}
