/** Owns keeping what looks tell of a branch besides its revision, and telling of what changed. */
import type { BranchChange } from '../contract/branch-state.ts';
import { appendEvent } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { branchStateOf, findRepository, type RepositoryRecord, updateRepository } from '../database/repositories.ts';
import { afterLook, type BranchLook } from '../domain/branch-state.ts';

/** The event that tells of a change; in the transaction of the change. */
export function appendBranchChange(db: Db, repositoryId: string, data: BranchChange, at: number): Promise<void> {
  return appendEvent(db, { type: 'branch.changed', at, repositoryId, data });
}

/**
 * Takes note of what a look at `repository.branch` found; the record as it is kept from now on. Most looks find nothing new, and ask
 * the database nothing. Of a repository that is on another branch by now, or is removed, nothing is kept. May be repeated.
 */
export async function noteBranch(
  db: Db,
  repository: RepositoryRecord,
  look: BranchLook,
  now: number,
): Promise<RepositoryRecord> {
  const known = branchStateOf(repository);
  if (afterLook(known, repository.branch, look, now).state === known) return repository;
  return inTransaction(db, async transaction => {
    const row = await findRepository(transaction, repository.id);
    if (row === null || row.branch !== repository.branch) return repository;
    const before = branchStateOf(row);
    const { state, changes } = afterLook(before, row.branch, look, now);
    if (state === before) return row;
    const branchState = JSON.stringify(state);
    await updateRepository(transaction, row.id, { branchState });
    for (const change of changes) await appendBranchChange(transaction, row.id, change, now);
    return { ...repository, branchState };
  });
}
