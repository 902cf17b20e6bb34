/** Owns writing the files of a revision into an empty folder without the git program, and never outside of it. */
import * as fs from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import git, { type TreeEntry } from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';
import { cancelled } from './git-errors.ts';

export interface WriteTreeOptions {
  readonly gitdir: string;
  readonly revision: string;
  /** Must be empty. */
  readonly targetFolder: string;
  readonly url: string;
  readonly signal?: AbortSignal;
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/**
 * Writes all files, one at a time, and returns their number. Symbolic links come last, so that no file is ever written
 * through one, whatever the order and the case of the names.
 *
 * Throws `artifact.unsafe_path` (a name such as `..` or `.git`), `job.cancelled`.
 */
export async function writeTree(options: WriteTreeOptions): Promise<number> {
  const { gitdir, revision, targetFolder, url, signal } = options;
  const cache = {};
  const links: Link[] = [];
  let files = 0;

  async function writeEntry(entry: TreeEntry, folder: string): Promise<void> {
    if (signal?.aborted) throw cancelled(url);
    assertSafeName(entry.path);
    const path = join(folder, entry.path);
    if (entry.type === 'tree') {
      await mkdir(path);
      await writeFolder(entry.oid, path);
    } else if (entry.type === 'commit') {
      // A submodule: an empty folder, as git leaves one that is not initialised.
      await mkdir(path);
    } else {
      const { blob } = await git.readBlob({ fs, gitdir, oid: entry.oid, cache });
      files++;
      if (entry.mode === '120000') links.push({ path, target: Buffer.from(blob).toString('utf8') });
      // `wx`: two names that are one on this disk are an error, not a file with the wrong content.
      else await writeFile(path, blob, { flag: 'wx', mode: entry.mode === '100755' ? 0o755 : 0o644 });
    }
  }

  async function writeFolder(oid: string, folder: string): Promise<void> {
    const { tree } = await git.readTree({ fs, gitdir, oid, cache });
    for (const entry of tree) await writeEntry(entry, folder);
  }

  await writeFolder(revision, targetFolder);
  for (const { path, target } of links) await symlink(target, path);
  return files;
}

/** As git's verify_path: what would leave the folder, or be taken for git's own data on some file system. */
export function assertSafeName(name: string): void {
  // Windows drops dots and spaces at the end, macOS ignores invisible characters, and `GIT~1` is a short name of .git.
  const seen = name.replace(/\p{Cf}/gu, '').replace(/[. ]+$/, '');
  const separators = process.platform === 'win32' ? /[/\\:\0]/ : /[/\0]/;
  if (seen === '' || separators.test(name) || /^(\.git|git~\d+)$/i.test(seen)) throw unsafeName(JSON.stringify(name));
}

export function unsafeName(detail: string): DomainError {
  return new DomainError(
    'artifact.unsafe_path',
    `The repository holds a name that must not be written (${detail}). Remove it from the repository.`,
    { detail },
  );
}
