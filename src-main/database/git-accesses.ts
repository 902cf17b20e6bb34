/** Owns the statements of the table git_accesses. */
import type { Selectable } from 'kysely';
import type { Db } from './open-database.ts';
import type { GitAccessesTable } from './tables/repositories.ts';

export type GitAccessRecord = Selectable<GitAccessesTable>;

export async function listGitAccesses(db: Db): Promise<GitAccessRecord[]> {
  return db.selectFrom('gitAccesses').selectAll().orderBy('host').execute();
}

/** Replaces what was set before. */
export async function putGitAccess(db: Db, row: GitAccessRecord): Promise<void> {
  const { host: _key, ...change } = row;
  await db
    .insertInto('gitAccesses')
    .values(row)
    .onConflict(conflict => conflict.column('host').doUpdateSet(change))
    .execute();
}

/** Whether there was one. */
export async function deleteGitAccess(db: Db, host: string): Promise<boolean> {
  const result = await db.deleteFrom('gitAccesses').where('host', '=', host).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
