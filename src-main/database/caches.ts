/** Owns the statements of the tables caches and results. */
import type { Insertable, Selectable } from 'kysely';
import type { BuildWithPack } from './builds.ts';
import { findBuild } from './builds.ts';
import type { Db } from './open-database.ts';
import type { CachesTable, ResultsTable } from './tables/builds.ts';

export type CacheRecord = Selectable<CachesTable>;

export async function insertCache(db: Db, row: Insertable<CachesTable>): Promise<void> {
  await db.insertInto('caches').values(row).execute();
}

/** Whatever their state, least recently used first. */
export async function listCaches(db: Db, repositoryId?: string): Promise<CacheRecord[]> {
  let select = db.selectFrom('caches').selectAll().orderBy('usedAt').orderBy('id');
  if (repositoryId !== undefined) select = select.where('repositoryId', '=', repositoryId);
  return select.execute();
}

/** What may be read of one name, newest first. */
export async function listReadyCaches(db: Db, repositoryId: string, name: string): Promise<CacheRecord[]> {
  return db
    .selectFrom('caches')
    .selectAll()
    .where('repositoryId', '=', repositoryId)
    .where('name', '=', name)
    .where('status', '=', 'ready')
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

export async function touchCache(db: Db, id: string, usedAt: number): Promise<void> {
  await db.updateTable('caches').set({ usedAt }).where('id', '=', id).execute();
}

/** Moves entries from one of `from`; the number of those that were in it. */
export async function moveCaches(
  db: Db,
  ids: readonly string[],
  from: readonly CacheRecord['status'][],
  status: CacheRecord['status'],
): Promise<number> {
  const result = await db
    .updateTable('caches')
    .set({ status })
    .where('id', 'in', [...ids])
    .where('status', 'in', [...from])
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

export async function deleteCache(db: Db, id: string): Promise<void> {
  await db.deleteFrom('caches').where('id', '=', id).execute();
}

/** The build that was made of the very same inputs; null where none is known. */
export async function findResult(db: Db, key: string, repositoryId: string): Promise<BuildWithPack | null> {
  const row = await db
    .selectFrom('results')
    .select('buildId')
    .where('key', '=', key)
    .where('repositoryId', '=', repositoryId)
    .executeTakeFirst();
  return row ? findBuild(db, row.buildId) : null;
}

/** The newest build of the same inputs takes the place of an older one. */
export async function putResult(db: Db, row: Insertable<ResultsTable>): Promise<void> {
  const { buildId, createdAt } = row;
  await db
    .insertInto('results')
    .values(row)
    .onConflict(conflict => conflict.column('key').doUpdateSet({ buildId, createdAt }))
    .execute();
}

/** The number of those that were there. */
export async function deleteResults(db: Db, repositoryId?: string): Promise<number> {
  let statement = db.deleteFrom('results');
  if (repositoryId !== undefined) statement = statement.where('repositoryId', '=', repositoryId);
  return Number((await statement.executeTakeFirst()).numDeletedRows);
}

export async function countResults(db: Db, repositoryId?: string): Promise<number> {
  let select = db.selectFrom('results').select(({ fn }) => fn.countAll<number>().as('count'));
  if (repositoryId !== undefined) select = select.where('repositoryId', '=', repositoryId);
  return (await select.executeTakeFirstOrThrow()).count;
}
