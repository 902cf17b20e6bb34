/** Owns which store belongs to which region: opened once, closed over by everything that reads or writes blobs. */

import type { Db } from '../database/open-database.ts';
import { listRegions, type RegionRecord } from '../database/regions.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { createClosedStore } from '../stores/closed-store.ts';
import { openStore } from '../stores/open-store.ts';
import { canonicalStoreUrl } from '../stores/store-location.ts';
import type { StoreAccesses } from './store-accesses.ts';

export interface RegionStore {
  readonly region: RegionRecord;
  readonly store: BlobStore;
}

export interface RegionStores {
  readonly main: BlobStore;
  /** Every region but the main one, as the database has them now. */
  regional(): Promise<readonly RegionStore[]>;
  /** The main store first. */
  all(): Promise<readonly BlobStore[]>;
  /** The store's credentials have changed: it is opened anew at its next use. */
  forget(storeUrl: string): void;
}

export function createRegionStores(db: Db, main: BlobStore, accesses: Pick<StoreAccesses, 'find'>): RegionStores {
  const opened = new Map<string, BlobStore>();
  const open = async (url: string) => {
    const known = opened.get(url);
    if (known) return known;
    const store = await openStore(url, await accesses.find(url));
    opened.set(url, store);
    return store;
  };
  const regional = async () => {
    const regions = (await listRegions(db)).filter(region => region.isMain === 0);
    return Promise.all(
      regions.map(async region => {
        const { storeUrl } = region;
        // Tried again at each call: a person may have given what was lacking.
        const store = await open(storeUrl).catch(error => createClosedStore(storeUrl, error));
        return { region, store };
      }),
    );
  };
  return {
    main,
    regional,
    forget: storeUrl => {
      for (const url of opened.keys()) if (canonicalStoreUrl(url) === canonicalStoreUrl(storeUrl)) opened.delete(url);
    },
    all: async () => [main, ...(await regional()).map(({ store }) => store)],
  };
}
