/** Owns taking the files of a working tree as a commit of it would have them: what is tracked or new, and nothing that is ignored. */
import * as fs from 'node:fs';
import { copyFile, cp, lstat, mkdir, readlink, realpath, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import git from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';
import { runGit } from './git-cli.ts';
import { lastLine } from './git-errors.ts';
import { findGitFolder } from './local-repository.ts';
import { isRevision } from './ref-names.ts';

const timeoutMs = 5 * 60 * 1000;
/** A million paths of ordinary length. */
const maxListBytes = 128 * 1024 * 1024;

export interface TakenTree {
  /** What HEAD is; null without a commit or a repository. */
  readonly revision: string | null;
  readonly branch: string | null;
  /** Whether the tree is exactly that revision; null where that is not known. */
  readonly isClean: boolean | null;
  readonly via: 'git' | 'isomorphic-git' | 'copy';
}

export interface WorkingTreeOptions {
  /** Absolute. */
  readonly path: string;
  /** Must be empty or missing. */
  readonly targetFolder: string;
  /** Null where git is not installed. */
  readonly gitPath: string | null;
  /** An absolute path that is no part of it, wherever it lies. */
  readonly leftOut: string | null;
  readonly signal: AbortSignal;
}

/**
 * Copies the tree at `path` into `targetFolder`: of a repository's root what git tracks and what is new and not ignored, as it lies
 * on the disk now; of any other folder all but `.git`. Submodules stay empty folders. Links are copied as links.
 *
 * Throws `not_found` where `path` is no folder, `conflict` where all of it is left out, `git.protocol` for a repository that git cannot read, `job.cancelled`.
 */
export async function takeWorkingTree(options: WorkingTreeOptions): Promise<TakenTree> {
  const { path, targetFolder, gitPath } = options;
  const facts = await lstat(path).catch(() => null);
  if (!(facts?.isDirectory() || facts?.isSymbolicLink())) {
    throw new DomainError(
      'not_found',
      `There is no folder ${path}; name a working tree, or a repository with --revision.`,
      {
        path,
      },
    );
  }
  const root = await realpath(path);
  if (options.leftOut !== null && isWithin(options.leftOut, root)) {
    throw new DomainError(
      'conflict',
      `The folder ${options.leftOut} holds the tree itself, so what is built cannot be kept there; name another folder.`,
      { path: options.leftOut },
    );
  }
  await mkdir(targetFolder, { recursive: true });
  const isRepository = (await lstat(join(root, '.git')).catch(() => null)) !== null;
  if (!isRepository) {
    await copyFolder(root, options);
    return { revision: null, branch: null, isClean: null, via: 'copy' };
  }
  const found = gitPath === null ? await listWithoutGit(root) : await listWithGit(root, gitPath, options.signal);
  await copyFiles(root, found.files, options);
  const { revision, branch, isClean } = found;
  return { revision, branch, isClean, via: gitPath === null ? 'isomorphic-git' : 'git' };
}

interface Listed extends Omit<TakenTree, 'via'> {
  readonly files: readonly string[];
}

async function listWithGit(root: string, gitPath: string, signal: AbortSignal): Promise<Listed> {
  const gitDir = await findGitFolder(root);
  const run = async (verb: 'ls-files' | 'rev-parse' | 'status', options: readonly string[]) => {
    const place = { gitDir, workTree: root, timeoutMs, signal, maxOutputBytes: maxListBytes };
    const result = await runGit(gitPath, { verb, options, ...place });
    if (result.outcome === 'cancelled') throw new DomainError('job.cancelled', 'Cancelled.');
    return result;
  };
  const listed = await run('ls-files', ['-z', '--cached', '--others', '--exclude-standard', '--deduplicate']);
  if (listed.exitCode !== 0) {
    throw new DomainError(
      'git.protocol',
      `The working tree ${root} cannot be read by git: ${lastLine(listed.stderr.toString('utf8'))}.`,
      { path: root },
    );
  }
  const [head, branch, status] = await Promise.all([
    run('rev-parse', ['--verify', '--quiet', 'HEAD^{commit}']),
    run('rev-parse', ['--abbrev-ref', 'HEAD']),
    run('status', ['--porcelain', '-z']),
  ]);
  const revision = head.stdout.toString('utf8').trim();
  const name = branch.stdout.toString('utf8').trim();
  return {
    files: listed.stdout
      .toString('utf8')
      .split('\0')
      .filter(file => file !== ''),
    revision: isRevision(revision) ? revision : null,
    branch: branch.exitCode === 0 && name !== '' && name !== 'HEAD' ? name : null,
    isClean: status.exitCode === 0 ? status.stdout.length === 0 : null,
  };
}

async function listWithoutGit(root: string): Promise<Listed> {
  const gitdir = await findGitFolder(root);
  const rows = await git.statusMatrix({ fs, dir: root, gitdir });
  const revision = await git.resolveRef({ fs, gitdir, ref: 'HEAD' }).catch(() => null);
  const branch = await git.currentBranch({ fs, gitdir }).catch(() => undefined);
  return {
    // Columns: path, in HEAD, in the working tree, in the index; 0 is absent. Source: isomorphic-git, statusMatrix.
    files: rows.filter(([, , workdir]) => workdir !== 0).map(([file]) => file),
    revision: revision !== null && isRevision(revision) ? revision : null,
    branch: typeof branch === 'string' ? branch : null,
    isClean: rows.every(([, head, workdir, stage]) => head === 1 && workdir === 1 && stage === 1),
  };
}

async function copyFiles(root: string, files: readonly string[], options: WorkingTreeOptions): Promise<void> {
  const { targetFolder, leftOut, signal } = options;
  /** Folders that are themselves, and not a link that leads elsewhere: what git remembers below such a link is gone. */
  const real = new Map<string, boolean>();
  for (const file of files) {
    if (signal.aborted) throw new DomainError('job.cancelled', 'Cancelled.');
    const from = join(root, file);
    if (leftOut !== null && isWithin(leftOut, from)) continue;
    const folder = dirname(from);
    const isReal = real.get(folder) ?? (await realpath(folder).catch(() => null)) === folder;
    real.set(folder, isReal);
    if (!isReal) continue;
    const facts = await lstat(from).catch(() => null);
    // Removed, and not yet committed.
    if (facts === null) continue;
    const to = join(targetFolder, file);
    await mkdir(dirname(to), { recursive: true });
    if (facts.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (facts.isDirectory()) await mkdir(to, { recursive: true });
    else if (facts.isFile()) await copyFile(from, to, fs.constants.COPYFILE_FICLONE);
  }
}

async function copyFolder(root: string, { targetFolder, leftOut, signal }: WorkingTreeOptions): Promise<void> {
  await cp(root, targetFolder, {
    recursive: true,
    verbatimSymlinks: true,
    mode: fs.constants.COPYFILE_FICLONE,
    filter: async from => {
      if (signal.aborted) throw new DomainError('job.cancelled', 'Cancelled.');
      if (from === join(root, '.git') || (leftOut !== null && isWithin(leftOut, from))) return false;
      const facts = await lstat(from);
      return facts.isFile() || facts.isDirectory() || facts.isSymbolicLink();
    },
  });
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || way.startsWith('/') || /^[A-Za-z]:/.test(way));
}
