/** Owns the credentials of stores: sealed at rest, opened only to open a store with them. */
import { DomainError } from '../contract/errors.ts';
import { type StoreAccess, type StoreAccessView, storeAccessSchema } from '../contract/store-access.ts';
import type { Db } from '../database/open-database.ts';
import {
  deleteStoreAccess,
  findStoreAccess,
  listStoreAccesses,
  putStoreAccess,
  type StoreAccessRecord,
} from '../database/store-accesses.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';
import { openStore } from '../stores/open-store.ts';
import { assertAccessFits, identityOf } from '../stores/store-access.ts';
import { canonicalStoreUrl } from '../stores/store-location.ts';

export interface StoreAccesses {
  list(): Promise<readonly StoreAccessView[]>;
  /** What a person gave for the store; undefined where the provider's own chain is asked. Throws `secret.key_unreadable`. */
  find(storeUrl: string): Promise<StoreAccess | undefined>;
  /** Replaces what was there. `transaction` where more is written with it. Throws `input.invalid`, `store.url_invalid`, `store.forbidden`. */
  set(storeUrl: string, access: StoreAccess, transaction?: Db): Promise<StoreAccessView>;
  /** Throws `not_found`. */
  remove(storeUrl: string): Promise<void>;
}

/** What sealed credentials are bound to: for another store they do not open. */
const sealName = (storeUrl: string) => `slipway/store-access/${storeUrl}`;

function viewOf({ storeUrl, kind, identity, setAt }: StoreAccessRecord): StoreAccessView {
  return { storeUrl, kind, identity, setAtMs: setAt };
}

export function createStoreAccesses(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
}): StoreAccesses {
  const { db, masterKey, clock } = options;
  return {
    list: async () => (await listStoreAccesses(db)).map(viewOf),
    async find(given) {
      const storeUrl = canonicalStoreUrl(given);
      const row = await findStoreAccess(db, storeUrl);
      if (row === null) return undefined;
      const opened = openSealed(masterKey, Buffer.from(row.sealedAccess, 'base64'), sealName(storeUrl));
      return storeAccessSchema.parse(JSON.parse(opened.toString('utf8')));
    },
    async set(given, access, transaction = db) {
      const storeUrl = canonicalStoreUrl(given);
      assertAccessFits(storeUrl, access);
      // The adapter reads them as it would later, so that what cannot be used is not kept.
      await openStore(storeUrl, access);
      const row: StoreAccessRecord = {
        storeUrl,
        kind: access.kind,
        identity: identityOf(access),
        sealedAccess: seal(masterKey, Buffer.from(JSON.stringify(access), 'utf8'), sealName(storeUrl)).toString(
          'base64',
        ),
        setAt: clock(),
      };
      await putStoreAccess(transaction, row);
      return viewOf(row);
    },
    async remove(given) {
      const storeUrl = canonicalStoreUrl(given);
      if (await deleteStoreAccess(db, storeUrl)) return;
      throw new DomainError('not_found', `No credentials are set for ${storeUrl}. See "slipway store access show".`, {
        storeUrl,
      });
    },
  };
}
