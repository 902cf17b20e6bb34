/** Owns reading a repository that lies on this machine without the git program: where its data is, and its branches. */
import * as fs from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import git from 'isomorphic-git';
import { systemErrorCode } from '../contract/errors.ts';
import { authFailed, notFound } from './git-errors.ts';
import { isRevision } from './ref-names.ts';

/** At most this much of a `.git` file is read; it holds one path. */
const maxPointerBytes = 4_096;

/**
 * The folder with `objects` and `refs`: the path itself when it is bare, else its `.git`, followed when that is a file.
 *
 * Throws `git.not_found`, `git.auth_failed` (the folder may not be read).
 */
export async function findGitFolder(path: string): Promise<string> {
  try {
    const inner = join(path, '.git');
    const found = await stat(inner).catch(error => {
      if (systemErrorCode(error) === 'ENOENT') return null;
      throw error;
    });
    if (found?.isDirectory()) return inner;
    if (found?.isFile() && found.size <= maxPointerBytes) {
      const pointer = /^gitdir: (.+)$/m.exec(await readFile(inner, 'utf8'));
      if (pointer?.[1] !== undefined) return resolve(path, pointer[1]);
    }
    const [head, objects] = await Promise.all([stat(join(path, 'HEAD')), stat(join(path, 'objects'))]);
    if (head.isFile() && objects.isDirectory()) return path;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES' || code === 'EPERM') throw authFailed(path, code);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  throw notFound(path, exists ? 'the folder holds no Git repository' : 'there is no such folder');
}

/**
 * What the files that say where a branch is looked like: the same text means the same branch, without a program being run. Git
 * replaces these files and never writes into them, so that inode, time and size tell. Source: git's lockfile API, gitrepository-layout(5).
 * Throws as `findGitFolder` does.
 */
export async function localSignature(path: string, branch: string): Promise<string> {
  const folder = await findGitFolder(path);
  // A worktree of another repository keeps its branches there.
  const common = await readFile(join(folder, 'commondir'), 'utf8').then(
    text => resolve(folder, text.trim()),
    () => folder,
  );
  const files = [`refs/heads/${branch}`, 'packed-refs', 'reftable/tables.list'];
  const seen = await Promise.all(
    files.map(async file => {
      const found = await stat(join(common, file), { bigint: true }).catch(() => null);
      return found === null ? '-' : `${found.ino}.${found.mtimeNs}.${found.size}`;
    }),
  );
  return seen.join(' ');
}

/** Branches with their revisions, and the branch that HEAD names. Throws as `findGitFolder` does. */
export async function readLocalRefs(path: string): Promise<{ head: string | null; refs: Map<string, string> }> {
  const gitdir = await findGitFolder(path);
  const refs = new Map<string, string>();
  for (const branch of await git.listBranches({ fs, gitdir })) {
    const revision = await git.resolveRef({ fs, gitdir, ref: `refs/heads/${branch}` });
    if (isRevision(revision)) refs.set(branch, revision);
  }
  const head = await git.currentBranch({ fs, gitdir }).catch(() => undefined);
  return { head: typeof head === 'string' ? head : null, refs };
}
