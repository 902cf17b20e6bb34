/** Owns the statements of the table store_accesses. */
import type { Selectable } from 'kysely';
import type { Db } from './open-database.ts';
import type { StoreAccessesTable } from './tables/regions.ts';

export type StoreAccessRecord = Selectable<StoreAccessesTable>;

export async function listStoreAccesses(db: Db): Promise<StoreAccessRecord[]> {
  return db.selectFrom('storeAccesses').selectAll().orderBy('storeUrl').execute();
}

export async function findStoreAccess(db: Db, storeUrl: string): Promise<StoreAccessRecord | null> {
  return (await db.selectFrom('storeAccesses').selectAll().where('storeUrl', '=', storeUrl).executeTakeFirst()) ?? null;
}

/** Replaces what was set before. */
export async function putStoreAccess(db: Db, row: StoreAccessRecord): Promise<void> {
  const { storeUrl: _key, ...change } = row;
  await db
    .insertInto('storeAccesses')
    .values(row)
    .onConflict(conflict => conflict.column('storeUrl').doUpdateSet(change))
    .execute();
}

/** Whether there was one. */
export async function deleteStoreAccess(db: Db, storeUrl: string): Promise<boolean> {
  const result = await db.deleteFrom('storeAccesses').where('storeUrl', '=', storeUrl).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
