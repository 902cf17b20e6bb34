/** Owns a mirror's work through the git program: made, fetched into, pinned, and handed to what reads it. */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { type CheckoutOptions, checkOut } from './cli-checkout.ts';
import {
  assertCommit,
  changedPaths,
  commitsBetween,
  holds,
  isAncestor,
  readCommit,
  resolveRef,
  withHistory,
} from './cli-commits.ts';
import { deepen, fetchBranch, fetchOptions, fetchRef, isWithoutDepth, untilUnlocked } from './cli-fetch.ts';
import { type CliGit, createCliGit, fetchTimeoutMs } from './cli-git.ts';
import { branchMissing, lastLine, revisionMissing } from './git-errors.ts';
import type { GitLocation } from './git-url.ts';
import { findGitFolder } from './local-repository.ts';
import type { FetchRequest, MirrorBackend } from './mirror-backend.ts';
import { damaged, exists, readRefFile, refOf, wantsGc } from './mirror-files.ts';
import type { RemoteAccess } from './remote-access.ts';

/** Makes the mirror where there is none. Returns whether it was made just now. */
async function prepare(git: CliGit, folder: string): Promise<boolean> {
  if (await exists(join(folder, 'HEAD'))) return false;
  const { url } = git.location;
  // Made aside and moved into place whole: another worker may be at the same, and then either one will do.
  const fresh = `${folder}.init-${randomUUID()}`;
  try {
    const result = await git.run({ verb: 'init', options: ['--bare', '--quiet', '--template='], operands: [fresh] });
    if (result.exitCode !== 0) {
      throw new DomainError(
        'data.unwritable',
        `The mirror of ${url} cannot be made in ${folder}: ${lastLine(result.text)}. Make room, or check who may write there.`,
        { url, folder },
      );
    }
    await rename(fresh, folder).catch(error => {
      const code = systemErrorCode(error) ?? '';
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(code)) throw error;
    });
    return true;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function pin(git: CliGit, folder: string, ref: string, revision: string): Promise<void> {
  const update = () => git.run({ verb: 'update-ref', operands: [ref, revision], gitDir: folder });
  const result = await untilUnlocked(update);
  // Another worker pins the same revision. A lock that stays is of one that was killed: the mirror is made anew without it.
  if (result.exitCode !== 0) throw damaged(result.text);
}

/** A server gives no commit by its id that no ref of it is at; nor all servers those that are, without protocol 2. */
const notGiven = /not our ref|unadvertised object|couldn't find remote ref/i;

/**
 * Fetches a revision by its id, under its pin: no branches are listed first, and nothing is left to be pinned. False where the server
 * gives it only with a branch.
 */
async function obtainById(git: CliGit, folder: string, request: FetchRequest, isFresh: boolean): Promise<boolean> {
  const { branch, revision, pinRef, signal } = request;
  if (branch === null || revision === undefined || pinRef === undefined) return false;
  const depth = isFresh ? ({ depth: '--depth=1' } as const) : {};
  const result = await fetchRef(git, folder, `+${revision}:${pinRef}`, { signal, ...depth });
  if (result.exitCode === 0) return true;
  if (notGiven.test(result.text) || isWithoutDepth(result.text)) return false;
  throw await git.failureOf(result.text);
}

/** Makes sure that `revision` is here: by its id, with its branch, or by its id after all for one that has left its branch. */
async function obtain(git: CliGit, folder: string, request: FetchRequest, isFresh: boolean): Promise<void> {
  const { branch, revision, pinRef, signal } = request;
  const { url } = git.location;
  if (await obtainById(git, folder, request, isFresh)) return;
  const found = await fetchBranch(git, folder, request, isFresh);
  if (revision === undefined) {
    if (found === 'missing' || branch === null) throw branchMissing(url, branch ?? '');
    return;
  }
  if (await holds(git, folder, revision, branch === null ? undefined : refOf(branch))) return;
  const keeper = pinRef ?? `refs/revisions/${revision}`;
  const result = await fetchRef(git, folder, `+${revision}:${keeper}`, { signal });
  if (result.exitCode === 0) return;
  if (notGiven.test(result.text)) {
    throw found === 'missing' && branch !== null ? branchMissing(url, branch) : revisionMissing(url, revision);
  }
  throw await git.failureOf(result.text);
}

/** A backend over the git program at `gitPath`. Its errors are those of `Mirror`. */
export function createCliBackend(
  location: GitLocation,
  gitPath: string,
  access: RemoteAccess,
  wanted: CheckoutOptions = {},
): MirrorBackend {
  const git = createCliGit(location, gitPath, access);
  return {
    async fetch(folder, request) {
      const { branch, revision, pinRef } = request;
      if (location.transport === 'file') await findGitFolder(location.url);
      const isFresh = await prepare(git, folder);
      const fetching = revision === undefined || isFresh || !(await holds(git, folder, revision, pinRef));
      if (fetching) await obtain(git, folder, request, isFresh);
      const found = revision ?? (await resolveRef(git, folder, refOf(branch ?? '')));
      if (pinRef !== undefined && (await readRefFile(folder, pinRef)) !== found) await pin(git, folder, pinRef, found);
      // Every fetch adds a pack. A failure here harms nobody, and the next fetch tries again.
      if (fetching && (await wantsGc(folder)))
        await git.run({ verb: 'gc', options: ['--auto', '--quiet'], gitDir: folder, timeoutMs: fetchTimeoutMs });
      return { revision: found };
    },
    readCommit: (folder, revision) => readCommit(git, folder, revision),
    isAncestor: (folder, ancestor, descendant, branch) =>
      withHistory(
        () => deepen(git, folder, branch),
        () => isAncestor(git, folder, ancestor, descendant),
      ),
    async changedPaths(folder, from, to, branch) {
      await withHistory(
        () => deepen(git, folder, branch),
        async () => {
          await assertCommit(git, folder, from);
          await assertCommit(git, folder, to);
          return true;
        },
      );
      return changedPaths(git, folder, from, to);
    },
    commitsBetween: (folder, from, to, limit) => commitsBetween(git, folder, from, to, limit),
    checkout: (folder, request) =>
      checkOut(git, folder, request, {
        wanted,
        openInner: (inner, innerWanted) => createCliBackend(inner, gitPath, access, innerWanted),
      }),
    async salvagePins(old, folder) {
      await git.run({
        verb: 'fetch',
        options: [...fetchOptions, '--update-shallow'],
        operands: [old, 'refs/slipway/*:refs/slipway/*'],
        gitDir: folder,
        timeoutMs: fetchTimeoutMs,
      });
    },
  };
}
