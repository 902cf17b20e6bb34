/** Owns the statements of the table of tags that were seen: which of a repository's tags are no news. */
import type { Db } from './open-database.ts';

export interface Tag {
  readonly name: string;
  /** The commit that it leads to. */
  readonly revision: string;
}

/** By name; empty before the first look. */
export async function listSeenTags(db: Db, repositoryId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('seenTags')
    .select(['name', 'revision'])
    .where('repositoryId', '=', repositoryId)
    .execute();
  return new Map(rows.map(({ name, revision }) => [name, revision]));
}

/** May be repeated. */
export async function recordSeenTags(db: Db, repositoryId: string, tags: readonly Tag[]): Promise<void> {
  const rowsAtOnce = 1_000;
  for (let start = 0; start < tags.length; start += rowsAtOnce) {
    const values = tags.slice(start, start + rowsAtOnce).map(tag => ({ ...tag, repositoryId }));
    await db
      .insertInto('seenTags')
      .values(values)
      .onConflict(conflict =>
        conflict.columns(['repositoryId', 'name']).doUpdateSet(({ ref }) => ({ revision: ref('excluded.revision') })),
      )
      .execute();
  }
}
