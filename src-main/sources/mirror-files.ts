/** Owns what is known of a mirror by its files, without a process, and what git's messages say of it. */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import { lastLine } from './git-errors.ts';
import { MirrorDamaged } from './mirror-backend.ts';

/** A name for what may be any text, short enough for every disk. */
export const digestOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 40);

/** A branch's ref here. A digest, since `a` and `a/b`, or `A` and `a` on some disks, cannot both be files. */
export function refOf(branch: string): string {
  return `refs/branches/${digestOf(branch)}`;
}

export const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

export const readRefFile = (folder: string, ref: string) =>
  readFile(join(folder, ref), 'utf8').then(
    text => text.trim(),
    () => null,
  );

/** From now on it is the mirror that was used last. One that is not there stays so. */
export async function noteUse(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => undefined);
}

/** What a mirror takes on the disk, with those of its submodules, in bytes; what goes meanwhile counts as none. */
export async function sizeOfMirror(path: string): Promise<number> {
  const facts = await lstat(path).catch(() => null);
  if (facts === null) return 0;
  // Windows counts no blocks. A block is 512 bytes. Source: stat(2), `st_blocks`.
  let sizeBytes = facts.blocks === undefined ? facts.size : facts.blocks * 512;
  if (!facts.isDirectory()) return sizeBytes;
  for (const name of await readdir(path).catch(() => [])) sizeBytes += await sizeOfMirror(join(path, name));
  return sizeBytes;
}

/** Packs and their indexes, and what of them is still being written. */
export const packFiles = (folder: string) => readdir(join(folder, 'objects/pack')).catch(() => []);

/**
 * Removes what a fetch has left that failed: what it was writing, and with `packs` those that it finished too. Where another fetch into
 * the mirror was under way, that one finds its own files gone, and the mirror is made anew.
 */
export async function removeLeft(folder: string, before: readonly string[], packs: boolean): Promise<void> {
  const known = new Set(before);
  const left = (await packFiles(folder)).filter(name => !known.has(name) && (packs || name.startsWith('tmp_')));
  // The index first: it is by this that git knows of a pack.
  left.sort((a, b) => Number(b.endsWith('.idx')) - Number(a.endsWith('.idx')));
  for (const name of left) await rm(join(folder, 'objects/pack', name), { force: true });
}

/**
 * Whether `git gc --auto` would do anything, told without a process: 50 packs, or about 6,700 loose objects by the count in one of
 * 256 folders. Source: git's builtin/gc.c, too_many_packs and too_many_loose_objects.
 */
export async function wantsGc(folder: string): Promise<boolean> {
  const [packs, loose] = await Promise.all([packFiles(folder), readdir(join(folder, 'objects/17')).catch(() => [])]);
  return packs.filter(name => name.endsWith('.pack')).length > 50 || loose.length > 27;
}

export const damaged = (stderr: string) => new MirrorDamaged(lastLine(stderr));

export function checkoutError(stderr: string, targetFolder: string): Error {
  if (/invalid path/.test(stderr)) {
    return new DomainError(
      'artifact.unsafe_path',
      `The repository holds a path that must not be written: ${lastLine(stderr)}.`,
      {},
    );
  }
  if (/No space left|Disk quota exceeded/i.test(stderr)) {
    return new DomainError(
      'store.full',
      `The disk of ${targetFolder} is full: ${lastLine(stderr)}. Free some space; the checkout is tried again by itself.`,
      { targetFolder },
    );
  }
  if (/unable to (write|create)|cannot (create|mkdir)|Read-only|Permission denied/i.test(stderr)) {
    return new DomainError(
      'data.unwritable',
      `The files of the revision cannot be written to ${targetFolder}: ${lastLine(stderr)}. Make room, or check who may write there.`,
      { targetFolder },
    );
  }
  return damaged(stderr);
}
