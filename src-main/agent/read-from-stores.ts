/** Owns reading one document that any of several stores may have, whole and acceptable, or not. */
import { DomainError, messageOf } from '../contract/errors.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * The first document under `key` that `accept` takes, in the order of the stores: one that is damaged, old or unreachable
 * is passed over. Throws the last failure; `store.not_found` where no store has it.
 */
export async function readFromStores<T>(options: {
  readonly stores: readonly BlobStore[];
  readonly key: string;
  readonly maxBytes: number;
  readonly accept: (bytes: Uint8Array) => T | Promise<T>;
  readonly logger: Logger;
}): Promise<T> {
  const { stores, key, maxBytes, accept, logger } = options;
  let failure: unknown = null;
  for (const store of stores) {
    try {
      const found = await store.read(key, maxBytes);
      if (found !== null) return await accept(found.bytes);
    } catch (error) {
      failure = error;
      logger.warn('agent.document_refused', { store: store.url, key, reason: messageOf(error) });
    }
  }
  throw (
    failure ??
    new DomainError(
      'store.not_found',
      `${key} is in none of the stores. It may not be copied there yet; it is tried again.`,
      { key },
    )
  );
}

/** What every store says under `key`: a value that was accepted, or why not; stores that have nothing are left out. */
export async function readFromEach<T>(options: {
  readonly stores: readonly BlobStore[];
  readonly key: string;
  readonly maxBytes: number;
  readonly accept: (bytes: Uint8Array) => T;
}): Promise<{ readonly values: readonly T[]; readonly failures: readonly unknown[] }> {
  const { stores, key, maxBytes, accept } = options;
  const values: T[] = [];
  const failures: unknown[] = [];
  await Promise.all(
    stores.map(async store => {
      try {
        const found = await store.read(key, maxBytes);
        if (found !== null) values.push(accept(found.bytes));
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  return { values, failures };
}
