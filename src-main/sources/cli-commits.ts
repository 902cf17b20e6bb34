/** Owns what is asked of the commits of a mirror through the git program. Asks no remote. */
import { DomainError } from '../contract/errors.ts';
import type { CliGit } from './cli-git.ts';
import { revisionMissing } from './git-errors.ts';
import type { Commit } from './mirror-backend.ts';
import { damaged, readRefFile } from './mirror-files.ts';
import { isRevision } from './ref-names.ts';

/** About half a million paths between two revisions. */
const maxDiffBytes = 32 * 1024 * 1024;

/**
 * Whether a ref leads to it, so that all that it needs is here: a lone object may be left of a fetch that broke off. The file of
 * `likely`, a ref of ours, is looked at first, without a process.
 */
export async function holds(
  git: CliGit,
  folder: string,
  revision: string,
  likely: string | undefined,
): Promise<boolean> {
  if (likely !== undefined && (await readRefFile(folder, likely)) === revision) return true;
  const result = await git.run({
    verb: 'for-each-ref',
    options: ['--count=1', '--format=%(refname)', `--contains=${revision}`],
    gitDir: folder,
  });
  return result.exitCode === 0 && result.stdout.length > 0;
}

/** Throws `MirrorDamaged`. */
export async function resolveRef(git: CliGit, folder: string, ref: string): Promise<string> {
  const result = await git.run({
    verb: 'for-each-ref',
    options: ['--format=%(objectname)'],
    operands: [ref],
    gitDir: folder,
  });
  const revision = result.stdout.toString('utf8').trim();
  if (!isRevision(revision)) throw damaged(result.text);
  return revision;
}

/** Throws `git.revision_missing`, `MirrorDamaged`. */
export async function assertCommit(git: CliGit, folder: string, revision: string): Promise<void> {
  const result = await git.run({ verb: 'cat-file', options: ['-e', `${revision}^{commit}`], gitDir: folder });
  if (result.exitCode === 0) return;
  if (/^error:/m.test(result.text) || !/Not a valid object name/.test(result.text)) throw damaged(result.text);
  // Not known, or lost? A mirror that has lost objects has refs that lead nowhere.
  const refs = await git.run({ verb: 'for-each-ref', options: ['--format=%(objecttype)'], gitDir: folder });
  throw refs.exitCode === 0 ? revisionMissing(git.location.url, revision) : damaged(refs.text);
}

/** Throws `git.revision_missing`, `MirrorDamaged`. */
export async function readCommit(git: CliGit, folder: string, revision: string): Promise<Commit> {
  await assertCommit(git, folder, revision);
  const result = await git.run({
    verb: 'log',
    options: ['-1', '--no-show-signature', '--encoding=UTF-8', '--format=%T%x00%at%x00%ct%x00%an%x00%s'],
    operands: [revision],
    gitDir: folder,
  });
  if (result.exitCode !== 0) throw damaged(result.text);
  const [treeId = '', authored, committed, author = '', subject = ''] = result.stdout
    .toString('utf8')
    .trimEnd()
    .split('\0');
  return {
    subject: subject.slice(0, 500),
    authorName: author.slice(0, 200),
    authoredAtMs: Number(authored) * 1000,
    committedAtMs: Number(committed) * 1000,
    treeId,
  };
}

/** Throws `git.revision_missing`, `MirrorDamaged`. */
export async function isAncestor(git: CliGit, folder: string, ancestor: string, descendant: string): Promise<boolean> {
  await assertCommit(git, folder, ancestor);
  await assertCommit(git, folder, descendant);
  const result = await git.run({
    verb: 'merge-base',
    options: ['--is-ancestor'],
    operands: [ancestor, descendant],
    gitDir: folder,
  });
  if (result.exitCode !== 0 && result.exitCode !== 1) throw damaged(result.text);
  return result.exitCode === 0;
}

/** Both must be there. Throws `MirrorDamaged`, and `git.protocol` for more paths than are read. */
export async function changedPaths(git: CliGit, folder: string, from: string, to: string): Promise<string[]> {
  const result = await git.run({
    verb: 'diff-tree',
    options: ['-r', '-z', '--name-only', '--no-renames'],
    operands: [from, to],
    gitDir: folder,
    maxOutputBytes: maxDiffBytes,
  });
  if (result.exitCode !== 0) throw damaged(result.text);
  return result.stdout
    .toString('utf8')
    .split('\0')
    .filter(path => path !== '');
}

/** Throws `git.revision_missing`, `MirrorDamaged`. */
export async function commitsBetween(
  git: CliGit,
  folder: string,
  from: string,
  to: string,
  limit: number,
): Promise<string[]> {
  await assertCommit(git, folder, from);
  await assertCommit(git, folder, to);
  // Of a merge the merge itself: the commits beside it were never what the branch was at.
  const options = ['--first-parent', '--reverse', `--max-count=${limit}`];
  const result = await git.run({ verb: 'rev-list', options, operands: [to, `^${from}`], gitDir: folder });
  if (result.exitCode !== 0) throw damaged(result.text);
  return result.stdout.toString('utf8').split('\n').filter(isRevision);
}

/** What a shallow mirror denies may only be what it lacks: then the question is asked again after `deepen` has brought more. */
export async function withHistory(deepen: () => Promise<boolean>, ask: () => Promise<boolean>): Promise<boolean> {
  try {
    if (await ask()) return true;
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'git.revision_missing')) throw error;
    if (!(await deepen())) throw error;
    return ask();
  }
  return (await deepen()) ? ask() : false;
}
