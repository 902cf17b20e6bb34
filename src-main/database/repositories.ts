/** Owns the statements of the table repositories. */
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import { z } from 'zod';
import { branchStateSchema } from '../contract/branch-state.ts';
import { drillRepositoryId } from '../contract/drill.ts';
import { defaultSourceOptions, type SourceOptions, sourceOptionsSchema } from '../contract/source-options.ts';
import { type KeptBranch, unseenBranch } from '../domain/branch-state.ts';
import { fromJson } from './json-column.ts';
import type { Db } from './open-database.ts';
import type { RepositoriesTable } from './tables/repositories.ts';

export type RepositoryRecord = Selectable<RepositoriesTable> & {
  /** Seen last by a poll, or queued last. */
  readonly currentRevision: string | null;
};

/** Where nothing else is kept, the current revision is the newest job's. */
const select = (db: Db) =>
  db
    .selectFrom('repositories')
    .selectAll()
    .select(
      sql<
        string | null
      >`coalesce(seen_revision, (SELECT revision FROM jobs WHERE repository_id = repositories.id ORDER BY number DESC LIMIT 1))`.as(
        'currentRevision',
      ),
    );

export async function insertRepository(db: Db, row: Insertable<RepositoriesTable>): Promise<void> {
  await db.insertInto('repositories').values(row).execute();
}

export async function listRepositories(db: Db): Promise<RepositoryRecord[]> {
  return select(db).where('removedAt', 'is', null).where('id', '!=', drillRepositoryId).orderBy('addedAt').execute();
}

export async function findRepository(db: Db, id: string): Promise<RepositoryRecord | null> {
  return (
    (await select(db)
      .where('id', '=', id)
      .where('id', '!=', drillRepositoryId)
      .where('removedAt', 'is', null)
      .executeTakeFirst()) ?? null
  );
}

export async function findRepositoryBySource(db: Db, url: string, branch: string): Promise<RepositoryRecord | null> {
  return (
    (await select(db)
      .where('url', '=', url)
      .where('branch', '=', branch)
      .where('removedAt', 'is', null)
      .executeTakeFirst()) ?? null
  );
}

export async function updateRepository(db: Db, id: string, change: Updateable<RepositoriesTable>): Promise<void> {
  await db.updateTable('repositories').set(change).where('id', '=', id).execute();
}

/** What it takes to read a repository. */
export type SourceOf = Pick<RepositoryRecord, 'id' | 'vcs' | 'url' | 'branch' | 'sourceOptions'>;

/** Made once: zod takes longer to make it than to read with it, and every poll reads. */
const chosenSourceOptions = sourceOptionsSchema.partial();

/** What was chosen about a repository's source, with the usual for the rest. */
export function sourceOptionsOf({ sourceOptions }: Pick<RepositoryRecord, 'sourceOptions'>): SourceOptions {
  return { ...defaultSourceOptions, ...fromJson(chosenSourceOptions, sourceOptions) };
}

const keptBranch = branchStateSchema.extend({ isFresh: z.boolean() });

/** What is known of a repository's branch besides its revision. */
export function branchStateOf({ branchState }: Pick<RepositoryRecord, 'branchState'>): KeptBranch {
  return fromJson(keptBranch, branchState) ?? unseenBranch;
}

/** What a look at a repository changes of its row. Times are UTC milliseconds. */
export type PollRecord = Pick<RepositoryRecord, 'id' | 'checkupAt' | 'nextPollAt' | 'pollFailures' | 'pollError'>;

/** One statement for all of them: at a thousand repositories, a hundred looks end in each second. */
export async function recordPolls(db: Db, records: readonly PollRecord[]): Promise<void> {
  await sql`
    UPDATE repositories SET
      checkup_at = look.value ->> 'checkupAt', next_poll_at = look.value ->> 'nextPollAt',
      poll_failures = look.value ->> 'pollFailures', poll_error = look.value ->> 'pollError'
    FROM json_each(${JSON.stringify(records)}) AS look
    WHERE repositories.id = look.value ->> 'id'`.execute(db);
}

/** The repository that jobs of a crash drill belong to, made at the first. It has no source, and no list shows it. */
export async function ensureDrillRepository(db: Db, now: number): Promise<void> {
  await db
    .insertInto('repositories')
    .values({
      id: drillRepositoryId,
      name: 'Crash drill',
      vcs: 'git',
      url: 'slipway:drill',
      branch: 'drill',
      nextPollAt: 0,
      pollFailures: 0,
      addedAt: now,
    })
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute();
}
