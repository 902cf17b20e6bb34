/** Owns bringing what a remote has into a mirror through the git program: a ref, a branch, the history that is missing. */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CliGit, type CliResult, fetchTimeoutMs } from './cli-git.ts';
import { defaultBounds, withinBounds } from './fetch-bounds.ts';
import { isMalformed } from './git-errors.ts';
import { findMoved } from './git-http.ts';
import type { FetchRequest } from './mirror-backend.ts';
import { exists, packFiles, refOf, removeLeft } from './mirror-files.ts';
import { remoteOptions } from './remote-options.ts';

export const fetchOptions = ['--no-tags', '--no-auto-maintenance', '--no-write-fetch-head', '--no-recurse-submodules'];
const lockAttempts = 4;
const lockPauseMs = 250;

const isLocked = ({ exitCode, text }: CliResult) =>
  exitCode !== 0 && /cannot lock ref|Unable to create '.*\.lock'/.test(text);

/** A plain file server knows no depth. Source: git's remote-curl.c, fetch_dumb. */
export const isWithoutDepth = (stderr: string) => /does not support shallow/.test(stderr);

/** With a login, git follows no redirect by itself. */
const isRedirected = (stderr: string) => /The requested URL returned error: 30[12378]/.test(stderr);

/** Where a branch is kept here; null takes every branch. */
const refspecOf = (branch: string | null) =>
  branch === null ? '+refs/heads/*:refs/branches/*' : `+refs/heads/${branch}:${refOf(branch)}`;

/** Runs what takes a lock, which another worker may have, a few times. */
export async function untilUnlocked(attempt: () => Promise<CliResult>): Promise<CliResult> {
  for (let left = lockAttempts; ; left--) {
    const result = await attempt();
    if (!isLocked(result) || left === 1) return result;
    await delay(lockPauseMs);
  }
}

/** Throws what `remoteOptions` and `withinBounds` throw; a fetch that the remote refuses is a result. */
export async function fetchRef(
  git: CliGit,
  folder: string,
  refspec: string,
  { signal, depth }: { readonly signal?: AbortSignal | undefined; readonly depth?: '--depth=1' | '--unshallow' },
): Promise<CliResult> {
  const { location, access } = git;
  const { url } = location;
  const bounds = (await access.fetchBounds?.()) ?? defaultBounds;
  let from = url;
  let remote = await remoteOptions(location, access);
  const once = async () => {
    const before = await packFiles(folder);
    let result: CliResult | null = null;
    try {
      result = await withinBounds({ url, folder, bounds, signal }, ends =>
        git.run({
          verb: 'fetch',
          // A repository on this machine may itself be a shallow clone.
          options: [...fetchOptions, '--update-shallow', ...(depth === undefined ? [] : [depth])],
          operands: [from, refspec],
          remote,
          gitDir: folder,
          timeoutMs: fetchTimeoutMs,
          signal: ends,
        }),
      );
      return result;
    } finally {
      // Git looks at some objects when their pack is in its place already, and would take them for its own at the next fetch.
      const isRefused = result !== null && isMalformed(result.text);
      if (result?.exitCode !== 0) await removeLeft(folder, before, isRefused);
    }
  };
  // Another worker updates the same ref; its fetch is as good as ours, so one more try finds nothing to do.
  const result = await untilUnlocked(once);
  if (!isRedirected(result.text)) return result;
  from = await findMoved(url, await access.loginFor(url), signal);
  if (from === url) return result;
  remote = await remoteOptions({ ...location, url: from }, access);
  return untilUnlocked(once);
}

/**
 * Of a fresh mirror only the branch's newest commit, which is all that a first build needs; what history it lacks is fetched by
 * `deepen` when a question needs it.
 */
export async function fetchBranch(
  git: CliGit,
  folder: string,
  { branch, signal }: FetchRequest,
  isFresh: boolean,
): Promise<'fetched' | 'missing'> {
  const refspec = refspecOf(branch);
  const isShallow = isFresh && branch !== null;
  let result = await fetchRef(git, folder, refspec, { signal, ...(isShallow ? { depth: '--depth=1' } : {}) });
  if (isShallow && isWithoutDepth(result.text)) {
    result = await fetchRef(git, folder, refspec, { signal });
  }
  if (result.exitCode === 0) return 'fetched';
  if (/couldn't find remote ref/i.test(result.text)) return 'missing';
  throw await git.failureOf(result.text);
}

/** Fetches the history that a shallow mirror lacks; false where it lacks none. */
export async function deepen(git: CliGit, folder: string, branch: string | null): Promise<boolean> {
  if (!(await exists(join(folder, 'shallow')))) return false;
  const result = await fetchRef(git, folder, refspecOf(branch), { depth: '--unshallow' });
  // Another worker was faster.
  if (result.exitCode === 0 || /complete repository/.test(result.text)) return true;
  throw await git.failureOf(result.text);
}
