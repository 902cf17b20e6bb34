/** Owns the statements of the tables channels and releases. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Db } from './open-database.ts';
import type { ChannelsTable, ReleasesTable } from './tables/releases.ts';

export type ChannelRecord = Selectable<ChannelsTable>;
export type ReleaseRecord = Selectable<ReleasesTable>;

export async function insertChannel(db: Db, row: Insertable<ChannelsTable>): Promise<void> {
  await db.insertInto('channels').values(row).execute();
}

export async function updateChannel(db: Db, id: string, change: Updateable<ChannelsTable>): Promise<void> {
  await db.updateTable('channels').set(change).where('id', '=', id).execute();
}

export async function listChannels(db: Db, repositoryId?: string): Promise<ChannelRecord[]> {
  let select = db
    .selectFrom('channels')
    .innerJoin('repositories', 'repositories.id', 'channels.repositoryId')
    .selectAll('channels')
    .where('repositories.removedAt', 'is', null)
    .orderBy('channels.name');
  if (repositoryId !== undefined) select = select.where('channels.repositoryId', '=', repositoryId);
  return select.execute();
}

export async function findChannel(db: Db, repositoryId: string, name: string): Promise<ChannelRecord | null> {
  return (
    (await db
      .selectFrom('channels')
      .selectAll()
      .where('repositoryId', '=', repositoryId)
      .where('name', '=', name)
      .executeTakeFirst()) ?? null
  );
}

export async function insertRelease(db: Db, row: Insertable<ReleasesTable>): Promise<void> {
  await db.insertInto('releases').values(row).execute();
}

export async function updateRelease(db: Db, id: string, change: Updateable<ReleasesTable>): Promise<void> {
  await db.updateTable('releases').set(change).where('id', '=', id).execute();
}

export async function findRelease(db: Db, id: string): Promise<ReleaseRecord | null> {
  return (await db.selectFrom('releases').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** What each channel runs. */
export async function listCurrentReleases(db: Db): Promise<ReleaseRecord[]> {
  return db
    .selectFrom('releases')
    .innerJoin('channels', 'channels.currentReleaseId', 'releases.id')
    .selectAll('releases')
    .execute();
}

/** Whether this build was ever current on the channel. */
export async function wasReleased(db: Db, channelId: string, buildId: string): Promise<boolean> {
  const found = await db
    .selectFrom('releases')
    .select('id')
    .where('channelId', '=', channelId)
    .where('buildId', '=', buildId)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Newest first. */
export async function listReleases(db: Db, channelId: string, limit: number): Promise<ReleaseRecord[]> {
  return db
    .selectFrom('releases')
    .selectAll()
    .where('channelId', '=', channelId)
    .orderBy('serial', 'desc')
    .limit(limit)
    .execute();
}

/** Among the newest `perChannel` releases of each channel those that bring migrations: one statement, since it is asked every two seconds. */
export async function listNewestWithMigrations(db: Db, perChannel: number): Promise<ReleaseRecord[]> {
  return db
    .selectFrom('channels')
    .innerJoin('releases', 'releases.channelId', 'channels.id')
    .selectAll('releases')
    .where('releases.migration', 'is not', null)
    .where(({ eb, fn, selectFrom, val }) =>
      eb(
        'releases.serial',
        '>=',
        fn.coalesce(
          selectFrom('releases as newest')
            .select('newest.serial')
            .whereRef('newest.channelId', '=', 'channels.id')
            .orderBy('newest.serial', 'desc')
            .limit(1)
            .offset(perChannel - 1),
          val(0),
        ),
      ),
    )
    .orderBy('releases.serial', 'desc')
    .execute();
}

export async function findReleaseBySerial(db: Db, channelId: string, serial: number): Promise<ReleaseRecord | null> {
  return (
    (await db
      .selectFrom('releases')
      .selectAll()
      .where('channelId', '=', channelId)
      .where('serial', '=', serial)
      .executeTakeFirst()) ?? null
  );
}

export async function countReleasesSince(db: Db, since: number): Promise<number> {
  const row = await db
    .selectFrom('releases')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('createdAt', '>=', since)
    .executeTakeFirstOrThrow();
  return row.count;
}
