/** Owns the paths that outlive releases: each lies below `shared/`, and every release has a link there in its place. */
import { randomUUID } from 'node:crypto';
import { cp, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { AgentFolder } from './agent-folder.ts';
import { linkFolder } from './current-link.ts';

async function kindOf(path: string): Promise<'folder' | 'link' | 'other' | null> {
  try {
    const stats = await lstat(path);
    return stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/** Whether a link at `own` with this target leads to `shared`; a junction's is absolute. */
function leadsTo(own: string, target: string, shared: string): boolean {
  return resolve(dirname(own), target) === resolve(shared);
}

/** Makes the folders above `path`, none of which may be a link: a release must not lead the agent out of its root. */
async function makeParents(root: string, path: string): Promise<void> {
  let folder = root;
  for (const part of path.split('/').slice(0, -1)) {
    folder = join(folder, part);
    const kind = await kindOf(folder);
    if (kind === null) await mkdir(folder);
    else if (kind !== 'folder') {
      throw new DomainError(
        'artifact.unsafe_path',
        `The shared path ${JSON.stringify(path)} leads through ${JSON.stringify(part)}, which is no folder of the release. Correct "shared" in slipway.yml.`,
        { path },
      );
    }
  }
}

/** What the first release brings is the beginning of what is shared. A name with an extension is a file's, which its program makes. */
async function makeShared(target: string, own: string): Promise<void> {
  if ((await kindOf(target)) !== null) return;
  await mkdir(dirname(target), { recursive: true });
  if ((await kindOf(own)) === null) {
    if (extname(target) === '') await mkdir(target, { recursive: true });
    return;
  }
  // What a killed agent was copying.
  for (const name of await readdir(dirname(target))) {
    if (name.startsWith(`${basename(target)}.tmp-`))
      await rm(join(dirname(target), name), { recursive: true, force: true });
  }
  const half = `${target}.tmp-${randomUUID()}`;
  await cp(own, half, { recursive: true, verbatimSymlinks: true });
  await rename(half, target);
}

/**
 * Puts a link to `shared/<path>` in the place of each path of a release, whose tree lies whole in `releases/`. May be repeated, also
 * after a crash. Throws `artifact.unsafe_path`.
 */
export async function linkShared(folder: AgentFolder, artifactId: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const release = folder.release(artifactId);
    const own = join(release, path);
    const target = join(folder.shared, path);
    const link = relative(dirname(own), target);
    await makeParents(release, path);
    if ((await kindOf(own)) === 'link' && leadsTo(own, await readlink(own), target)) continue;
    await makeShared(target, own);
    await rm(own, { recursive: true, force: true });
    if ((await kindOf(target)) === 'folder') await linkFolder(link, own);
    else await symlink(link, own, 'file');
  }
}

/** Whether a path is shared, or lies in what is: a release's file list does not vouch for it. */
export function isShared(path: string, shared: readonly string[]): boolean {
  return shared.some(above => path === above || path.startsWith(`${above}/`));
}
