/** Owns making a Git repository out of a folder of files, without the git program: for the sample project and the demo. */
import * as fs from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import git from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';

export interface CommitAuthor {
  readonly name: string;
  readonly email: string;
}

export interface SampleRepository {
  /** The working tree; its `.git` is the repository. */
  readonly folder: string;
  /** Writes these files (paths with `/`), commits them on main, and gives the commit's id. Throws `input.invalid` for a path outside. */
  commit(changes: Readonly<Record<string, string>>, message: string, author?: CommitAuthor): Promise<string>;
}

const defaultAuthor: CommitAuthor = { name: 'Slipway', email: 'sample@slipway.invalid' };

/** Copies `from` to `folder`, which must not exist or be empty, and makes a repository of it with one commit on main. */
export async function createSampleRepository(options: { from: string; folder: string }): Promise<SampleRepository> {
  const { from, folder } = options;
  await mkdir(folder, { recursive: true });
  await cp(from, folder, {
    recursive: true,
    filter: path => !relative(from, path).split(sep).includes('.git'),
  });
  await git.init({ fs, dir: folder, defaultBranch: 'main' });
  await git.add({ fs, dir: folder, filepath: '.' });
  await git.commit({ fs, dir: folder, message: 'Add the sample project', author: defaultAuthor });

  return {
    folder,
    async commit(changes, message, author = defaultAuthor) {
      for (const [path, text] of Object.entries(changes)) {
        const target = join(folder, path);
        const inside = relative(folder, target);
        const first = inside.split(sep)[0];
        if (inside === '' || isAbsolute(inside) || first === '..' || first?.toLowerCase() === '.git') {
          throw new DomainError('input.invalid', `The path ${path} does not name a file of the repository.`, { path });
        }
        await mkdir(dirname(target), { recursive: true });
        // A second write within the clock's resolution and of the same size would look unchanged; a new file does not.
        await rm(target, { force: true });
        await writeFile(target, text);
        await git.add({ fs, dir: folder, filepath: inside.split(sep).join('/') });
      }
      return await git.commit({ fs, dir: folder, message, author: { ...author } });
    },
  };
}
