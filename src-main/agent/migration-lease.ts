/** Owns the lock under which this machine migrates for a release: found in the one store that has it, taken, renewed and given back. */
import { setTimeout as delay } from 'node:timers/promises';
import { type MigrationRecord, type Pointer, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { maxMigrationBytes, signMigration, verifyMigration } from '../releases/migration-record.ts';
import type { Signer } from '../secrets/signing-keys.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** A third: two renewals may fail before the lease is over. */
const renewalsPerLease = 3;
const writeTimeoutMs = 10_000;

export interface FoundMigration {
  readonly store: BlobStore;
  readonly version: string;
  readonly record: MigrationRecord;
}

/**
 * The record of the release's migration, which lies in one of the stores: the main store. Throws `agent.migration_lock` where none
 * has it, `trust.*` and `store.*` where it cannot be read or believed.
 */
export async function findMigration(
  stores: readonly BlobStore[],
  trust: Trust,
  { repositoryId, channel, releaseId, serial }: Pointer,
): Promise<FoundMigration> {
  const key = storeKeys.migration(repositoryId, releaseId);
  let failure: unknown = null;
  for (const store of stores) {
    try {
      const found = await store.read(key, maxMigrationBytes);
      if (found === null) continue;
      const record = verifyMigration(found.bytes, trust, { repositoryId, channel, releaseId });
      return { store, version: found.version, record };
    } catch (error) {
      failure = error;
    }
  }
  throw (
    failure ??
    new DomainError(
      'agent.migration_lock',
      `Release ${serial} migrates a database, and the record by which one machine alone does so is in none of this machine's stores. Give the main store as the last --store.`,
      { serial, key },
    )
  );
}

/** Writes the record in the place of the one that was read. Null where somebody else has written it since. Throws `store.*`. */
export async function writeMigration(
  { store, version }: FoundMigration,
  record: MigrationRecord,
  signer: Signer,
): Promise<FoundMigration | null> {
  const key = storeKeys.migration(record.repositoryId, record.releaseId);
  try {
    const head = await store.put(
      key,
      { kind: 'bytes', bytes: signMigration(record, signer) },
      { ifVersion: version, signal: AbortSignal.timeout(writeTimeoutMs) },
    );
    return { store, version: head.version, record };
  } catch (error) {
    if (error instanceof DomainError && error.code === 'store.precondition_failed') return null;
    if (error instanceof DomainError) throw error;
    throw new DomainError(
      'store.unreachable',
      `${key} could not be written to ${store.url} (${messageOf(error)}). It is tried again.`,
      { key },
      { cause: error },
    );
  }
}

export interface Lease {
  /** Aborted when this machine holds the lock no more: somebody took it, or it could not be renewed for as long as it lasts. */
  readonly lost: AbortSignal;
  /** Ends the renewals; gives the record as it is now, for the last word. */
  end(): Promise<FoundMigration>;
}

/** Renews a lock that was taken until `end`. Never throws. */
export function holdLease(taken: FoundMigration, signer: Signer, now: () => number, logger: Logger): Lease {
  const over = new AbortController();
  const losing = new AbortController();
  const { leaseMs } = taken.record;
  let held = taken;

  async function renew(): Promise<void> {
    let renewedAt = performance.now();
    while (!over.signal.aborted) {
      await delay(leaseMs / renewalsPerLease, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      try {
        const record = { ...held.record, beat: held.record.beat + 1, changedAtMs: now() };
        const next = await writeMigration(held, record, signer);
        if (next === null) return losing.abort();
        held = next;
        renewedAt = performance.now();
      } catch (error) {
        logger.warn('agent.migration_not_renewed', { reason: messageOf(error) });
        // Others take it for lost from now on; who goes on regardless is two.
        if (performance.now() - renewedAt > leaseMs) return losing.abort();
      }
    }
  }

  const renewing = renew();
  return {
    lost: losing.signal,
    async end() {
      over.abort();
      await renewing;
      return held;
    },
  };
}
