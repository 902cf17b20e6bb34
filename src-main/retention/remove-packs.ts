/** Owns the deletion of reclaimed packs from one store, in an order that leaves it whole wherever it is cut off. */
import { storeKeys } from '../contract/documents.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { type BegunRemoval, beginRemoval, endRemoval, type Removal, reopenRemovals } from '../database/retention.ts';
import type { Clock } from '../domain/clock.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import { packsOfPointers, type UnknownRecord } from './store-names.ts';

export interface RemovalOutcome {
  readonly packs: number;
  readonly sizeBytes: number;
  /** What stays for now: a pointer there, another control center's build or a running job names it. */
  readonly kept: number;
}

/**
 * What names a pack goes before it: the record, its SBOM, the torrent, the pack; the file list at the end, when no pack needs it. A reader
 * that comes in between finds less, and nothing that lacks what it names.
 */
async function deleteBlobs(
  store: BlobStore,
  { packDigest, artifactId }: Removal,
  { builds, withFileList }: BegunRemoval,
  unknown: readonly UnknownRecord[],
): Promise<void> {
  const records = [...builds, ...unknown.map(({ buildId, repositoryId }) => ({ id: buildId, repositoryId }))];
  for (const { id, repositoryId } of records) {
    await store.delete(storeKeys.build(repositoryId, id));
    await store.delete(storeKeys.sbom(repositoryId, id));
  }
  await store.delete(storeKeys.torrent(packDigest));
  await store.delete(storeKeys.pack(packDigest));
  if (withFileList) await store.delete(storeKeys.fileList(artifactId));
}

/**
 * Deletes from a store what was reclaimed, but for what its own pointers name. Throws `store.*` where the store cannot be reached; what is
 * left is done at the next call. May be repeated.
 */
export async function removePacks(options: {
  readonly db: Db;
  readonly store: BlobStore;
  readonly removals: readonly (Removal & { readonly sizeBytes: number })[];
  readonly unknownRecords: (store: BlobStore) => Promise<readonly UnknownRecord[]>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<RemovalOutcome> {
  const { db, store, removals, clock } = options;
  const outcome = { packs: 0, sizeBytes: 0, kept: 0 };
  if (removals.length === 0) return outcome;
  const [named, unknown] = [await packsOfPointers(store), await options.unknownRecords(store)];
  for (const removal of removals) {
    if (options.signal.aborted) break;
    const naming = unknown.filter(record => record.packDigest === removal.packDigest);
    if (named.has(removal.packDigest) || naming.some(record => !record.isOurs)) {
      outcome.kept += 1;
      continue;
    }
    const begun = await inTransaction(db, transaction => beginRemoval(transaction, removal, clock()));
    if (begun.kind !== 'begun') {
      if (begun.kind === 'held') outcome.kept += 1;
      continue;
    }
    try {
      await deleteBlobs(store, removal, begun, naming);
    } catch (error) {
      await reopenRemovals(db, removal);
      throw error;
    }
    await endRemoval(db, removal);
    outcome.packs += 1;
    outcome.sizeBytes += removal.sizeBytes;
  }
  return outcome;
}
