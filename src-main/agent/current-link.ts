/** Owns the links below an agent's root: `current`, which names what runs, `environment` beside it, and how each system makes such links. */
import { link as linkFile, lstat, readlink, rename, rm, symlink, unlink } from 'node:fs/promises';
import nativePath from 'node:path';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { type AgentFolder, syncFolder } from './agent-folder.ts';

const artifactPath = /^releases[\\/]([0-9a-f]{64})[\\/]?$/;

/**
 * The artifact that a link at the root leads to; null where it leads anywhere else. A junction is read as an absolute path, with a
 * separator at its end. Source: "Reparse Points and File Operations", Microsoft.
 */
export function artifactOfLink(
  root: string,
  target: string,
  path: typeof nativePath.posix = nativePath,
): string | null {
  return artifactPath.exec(path.relative(root, path.resolve(root, target)))?.[1] ?? null;
}

/** The artifact that `current` names now; null where there is no such link. */
export async function currentArtifact(folder: AgentFolder): Promise<string | null> {
  try {
    return artifactOfLink(folder.root, await readlink(folder.current));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'EINVAL') return null;
    throw error;
  }
}

/** A link to a folder. On Windows a junction, which needs no right; Node makes its target absolute. Source: fs.symlink in Node's documentation. */
export async function linkFolder(target: string, at: string): Promise<void> {
  await symlink(target, at, process.platform === 'win32' ? 'junction' : 'dir');
}

/**
 * Puts the link `fresh` in the place of `link`: in one step, except that Windows replaces no junction. There the old one goes first, and
 * an agent that is killed in between makes it again at its next start. Source: MoveFileExW, MOVEFILE_REPLACE_EXISTING, Microsoft.
 */
export async function replaceLink(
  fresh: string,
  link: string,
  platform: NodeJS.Platform = process.platform,
  move: typeof rename = rename,
): Promise<void> {
  try {
    await move(fresh, link);
  } catch (error) {
    const isLink = (await lstat(link).catch(() => null))?.isSymbolicLink() ?? false;
    if (platform !== 'win32' || !isLink) throw error;
    await unlink(link);
    await move(fresh, link);
  }
}

async function pointFolder(folder: AgentFolder, target: string | null): Promise<void> {
  if (target === null) return rm(folder.current, { force: true });
  const fresh = nativePath.join(folder.root, '.link.new');
  await rm(fresh, { force: true });
  await linkFolder(target, fresh);
  await replaceLink(fresh, folder.current);
}

/** On Windows a second name of the same file: a symbolic link to a file needs a right there that services rarely have. */
async function pointFile(folder: AgentFolder, target: string | null): Promise<void> {
  const link = folder.currentEnvironment;
  if (target === null) return rm(link, { force: true });
  const fresh = nativePath.join(folder.root, '.link.new');
  await rm(fresh, { force: true });
  if (process.platform === 'win32') await linkFile(nativePath.join(folder.root, target), fresh);
  else await symlink(target, fresh, 'file');
  await rename(fresh, link);
}

/**
 * Makes `current` name this artifact, or nothing, and `environment` its values. A reader of `current` sees the old release or the new
 * one, also after a crash. Throws `data.unwritable` where something else lies there.
 */
export async function pointCurrentAt(
  folder: AgentFolder,
  release: { readonly artifactId: string; readonly environmentDigest: string | null } | null,
): Promise<void> {
  try {
    const digest = release?.environmentDigest ?? null;
    await pointFile(folder, digest === null ? null : nativePath.join('env', `${digest}.env`));
    await pointFolder(folder, release === null ? null : nativePath.join('releases', release.artifactId));
    await syncFolder(folder.root);
  } catch (error) {
    throw new DomainError(
      'data.unwritable',
      `${folder.current} cannot be switched (${systemErrorCode(error) ?? messageOf(error)}). It must be a link that the agent made: move away whatever lies there.`,
      { path: folder.current },
      { cause: error },
    );
  }
}
