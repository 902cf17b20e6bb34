/** Owns writing a revision's files through the git program, with its LFS files and submodules where those are wanted. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assertCommit } from './cli-commits.ts';
import { type CliGit, fetchTimeoutMs } from './cli-git.ts';
import { countEntries } from './git-index.ts';
import { lfsErrorOf, lfsOptions } from './git-lfs.ts';
import { listSubmodules, tooDeep } from './git-submodules.ts';
import type { GitLocation } from './git-url.ts';
import type { CheckoutRequest, CheckoutResult, MirrorBackend } from './mirror-backend.ts';
import { checkoutError, digestOf } from './mirror-files.ts';

const maxSubmoduleDepth = 5;

/** What is fetched at a checkout beside the tree itself. `depth` is that of a submodule in submodules. */
export interface CheckoutOptions {
  readonly submodules?: boolean;
  readonly lfs?: boolean;
  readonly depth?: number;
}

/** How the mirror of a submodule is opened. */
export type OpenInner = (location: GitLocation, wanted: CheckoutOptions) => MirrorBackend;

/** Throws `git.revision_missing`, `MirrorDamaged`, and the codes of `Mirror.checkout`. */
export async function checkOut(
  git: CliGit,
  folder: string,
  request: CheckoutRequest,
  { wanted, openInner }: { readonly wanted: CheckoutOptions; readonly openInner: OpenInner },
): Promise<CheckoutResult> {
  const { revision, targetFolder, signal } = request;
  const { location, access } = git;
  // An index of its own: several workers may check out of one mirror at the same time, and no .git is left behind.
  const index = join(folder, `checkout-${randomUUID()}.index`);
  const lfs = wanted.lfs ? await lfsOptions(location, access) : null;
  try {
    const result = await git.run({
      gitDir: folder,
      env: { GIT_INDEX_FILE: index },
      verb: 'read-tree',
      options: ['--reset', '-u'],
      operands: [`${revision}^{commit}`],
      workTree: targetFolder,
      ...(signal === undefined ? {} : { signal }),
      ...(lfs === null ? {} : { remote: lfs, timeoutMs: fetchTimeoutMs }),
    });
    if (result.exitCode !== 0) {
      await assertCommit(git, folder, revision);
      throw (lfs === null ? null : lfsErrorOf(location.url, result.text)) ?? checkoutError(result.text, targetFolder);
    }
    const files = await countEntries(index);
    if (wanted.submodules) await checkOutSubmodules(git, folder, request, { wanted, openInner });
    return { files, via: 'git' };
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

/** Each from a mirror of its own within this one, and whatever it has of them in turn. */
async function checkOutSubmodules(
  git: CliGit,
  folder: string,
  { revision, targetFolder, signal }: CheckoutRequest,
  { wanted, openInner }: { readonly wanted: CheckoutOptions; readonly openInner: OpenInner },
): Promise<void> {
  const depth = wanted.depth ?? 0;
  for (const submodule of await listSubmodules(git.run, folder, revision, git.location)) {
    if (depth === maxSubmoduleDepth) throw tooDeep(submodule.path);
    const place = join(targetFolder, submodule.path);
    // Git has made it an empty folder: anything else there is not of this tree.
    const facts = await lstat(place);
    if (!facts.isDirectory() || (await readdir(place)).length > 0) throw tooDeep(submodule.path);
    const inner = join(folder, 'submodules', `${digestOf(submodule.location.url)}.git`);
    await mkdir(dirname(inner), { recursive: true });
    const backend = openInner(submodule.location, { ...wanted, depth: depth + 1 });
    const common = { revision: submodule.revision, ...(signal === undefined ? {} : { signal }) };
    await backend.fetch(inner, { ...common, branch: null });
    await backend.checkout(inner, { ...common, targetFolder: place });
  }
}
