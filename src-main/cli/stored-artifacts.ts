/** Owns which store a command reads artifacts from: the one that it names, else the main store of the running engine. */
import { resolve } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { openStore } from '../stores/open-store.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';

export type StoreOptions = EngineOptions & { readonly store?: string };

/** A store by its URL; a path is meant from where the command runs. Throws `store.url_invalid`. */
export function openNamedStore(url: string): Promise<BlobStore> {
  return openStore(/^[a-z][a-z0-9+.-]+:/i.test(url) ? url : resolve(url));
}

/** Throws `store.url_invalid`, and `host.not_running` where neither a store is named nor an engine runs. */
export async function chosenStore(options: StoreOptions): Promise<BlobStore> {
  if (options.store !== undefined) return openNamedStore(options.store);
  const regions = await callEngine(options, client => client.regions.list());
  const main = regions.find(region => region.isMain);
  if (main === undefined) throw new DomainError('not_found', 'The engine has no main store. Name one with --store.');
  return openStore(main.storeUrl);
}
