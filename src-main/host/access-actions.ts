/** Owns what a person does with the credentials of stores, and what follows for the regions that they open. */

import type { StoreAccess, StoreAccessView } from '../contract/store-access.ts';
import { appendEvent } from '../database/events.ts';
import { expediteReplicas, listRegions } from '../database/regions.ts';
import type { Engine } from '../engine.ts';
import { canonicalStoreUrl } from '../stores/store-location.ts';

/** Regions of the store are opened anew, and what failed there is tried at once. */
async function reopen(engine: Engine, storeUrl: string): Promise<void> {
  engine.stores.forget(storeUrl);
  for (const region of await listRegions(engine.db)) {
    if (canonicalStoreUrl(region.storeUrl) !== canonicalStoreUrl(storeUrl)) continue;
    await expediteReplicas(engine.db, region.id);
    const data = { name: region.name, access: true };
    await appendEvent(engine.db, { type: 'region.changed', at: engine.clock(), subjectId: region.id, data });
  }
  engine.feed.nudge();
  engine.reconciler.signal();
}

/** The main store and running workers take them at the next start. Throws `input.invalid`, `store.url_invalid`, `store.forbidden`. */
export async function setStoreAccess(
  engine: Engine,
  { storeUrl, access }: { readonly storeUrl: string; readonly access: StoreAccess },
): Promise<StoreAccessView> {
  const view = await engine.accesses.set(storeUrl, access);
  await reopen(engine, storeUrl);
  return view;
}

/** Throws `not_found`, `store.url_invalid`. */
export async function removeStoreAccess(engine: Engine, storeUrl: string): Promise<void> {
  await engine.accesses.remove(storeUrl);
  await reopen(engine, storeUrl);
}
