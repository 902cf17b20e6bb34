/** Owns what builds get that ask for nothing: the installation's defaults and the choice for one repository. */
import { DomainError } from '../contract/errors.ts';
import {
  type BuildDefaults,
  type BuildDefaultsChange,
  buildDefaultsChangeSchema,
  buildDefaultsSchema,
  type IsolationChoice,
} from '../contract/isolation.ts';
import { appendEvent } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { findRepository, updateRepository } from '../database/repositories.ts';
import { readSetting, writeSetting } from '../database/settings.ts';

const repositoryChoiceSchema = buildDefaultsChangeSchema.shape.isolation.unwrap().nullable();

/** The installation's defaults; those of Slipway where nobody set any. */
export async function readBuildDefaults(db: Db): Promise<BuildDefaults> {
  return buildDefaultsSchema.parse(JSON.parse((await readSetting(db, 'builds.defaults')) ?? '{}'));
}

/** Changes what is named, for builds that begin from now on. */
export async function changeBuildDefaults(db: Db, change: BuildDefaultsChange): Promise<BuildDefaults> {
  return inTransaction(db, async transaction => {
    const next = buildDefaultsSchema.parse({ ...(await readBuildDefaults(transaction)), ...change });
    await writeSetting(transaction, 'builds.defaults', JSON.stringify(next));
    return next;
  });
}

/** What a person chose for a repository's builds; null for the installation's default. */
export function repositoryChoice(row: { readonly isolation: string | null }): IsolationChoice | null {
  return repositoryChoiceSchema.parse(row.isolation);
}

/** Chooses for a repository; null goes back to the installation's default. Throws `not_found`. */
export async function chooseForRepository(
  db: Db,
  repositoryId: string,
  isolation: BuildDefaults['isolation'] | null,
  now: number,
): Promise<void> {
  await inTransaction(db, async transaction => {
    const row = await findRepository(transaction, repositoryId);
    if (row === null || row.removedAt !== null) {
      throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { id: repositoryId });
    }
    await updateRepository(transaction, repositoryId, { isolation });
    await appendEvent(transaction, { type: 'repository.changed', at: now, repositoryId, data: { isolation } });
  });
}
