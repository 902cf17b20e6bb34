/** Owns which adapter serves which URL. */
import { isAbsolute } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { BlobStore } from './blob-store.ts';
import { filesystemRoot } from './filesystem-root.ts';
import { createFilesystemStore } from './filesystem-store.ts';

export type StoreKind = 'filesystem' | 'gcs' | 's3' | 'azure';

export interface StoreDescription {
  readonly kind: StoreKind;
  /** What a person calls it: `Folder`, `Google Cloud Storage`, … */
  readonly label: string;
  /** The folder, or bucket and prefix; never credentials. */
  readonly place: string;
}

const clouds: Readonly<Record<string, { readonly kind: StoreKind; readonly label: string }>> = {
  'gs:': { kind: 'gcs', label: 'Google Cloud Storage' },
  's3:': { kind: 's3', label: 'Amazon S3' },
  'azure:': { kind: 'azure', label: 'Azure Blob Storage' },
  'az:': { kind: 'azure', label: 'Azure Blob Storage' },
};

/** A URL without the user and password that may be in it, at most 200 characters, for messages. */
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/i, '$1').slice(0, 200);
}

function invalid(url: string): DomainError {
  const shown = withoutCredentials(url);
  return new DomainError(
    'store.url_invalid',
    `${JSON.stringify(shown)} is not the URL of a store. Give a folder such as file:///srv/blobs or /srv/blobs.`,
    { url: shown },
  );
}

/** What a store URL names, without opening it. Throws `store.url_invalid`. */
export function describeStore(url: string): StoreDescription {
  if (isAbsolute(url)) return { kind: 'filesystem', label: 'Folder', place: filesystemRoot(url) };
  const parsed = URL.parse(url);
  if (parsed === null) throw invalid(url);
  if (parsed.protocol === 'file:') return { kind: 'filesystem', label: 'Folder', place: filesystemRoot(url) };
  const cloud = clouds[parsed.protocol];
  if (cloud === undefined || parsed.host === '') throw invalid(url);
  return { ...cloud, place: `${parsed.host}${parsed.pathname}`.replace(/\/+$/, '') };
}

/** The store at `url`. Opens no connection: `check()` says whether it is there. Throws `store.url_invalid`. */
export async function openStore(url: string): Promise<BlobStore> {
  const { kind, label } = describeStore(url);
  if (kind === 'filesystem') return createFilesystemStore(url);
  throw new DomainError(
    'store.url_invalid',
    `${JSON.stringify(withoutCredentials(url))} is on ${label}, which comes with the cloud adapters; this version stores in folders. Give one such as file:///srv/blobs.`,
    { url: withoutCredentials(url), kind },
  );
}
