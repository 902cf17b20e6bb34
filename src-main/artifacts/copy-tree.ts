/**
 * Owns copying parts of a folder to another as they are, with times, and without ever following a link: what caches are made of.
 *
 * Files and not a pack: make, Cargo and pip go by modification times, which a pack has not, and a tree of thousands of small files
 * is copied faster than it is decompressed, on btrfs, XFS and APFS without moving a byte (copy on write). Hard links would let
 * a build change what lies in the cache.
 */
import { constants, type Stats } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, readlink, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { syncFolder } from './pack-file.ts';
import { Tasks } from './tasks.ts';

/** What a file system gives out at once; an empty file or a folder is counted as one. */
const blockBytes = 4096;
/** More only compete for the disk. */
const concurrentCopies = 16;

const sizeOnDisk = (facts: Stats) =>
  Math.max(1, facts.isSymbolicLink() ? 1 : Math.ceil(facts.size / blockBytes)) * blockBytes;

async function factsOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * Refuses a path that is a link or lies below one, and one that lies elsewhere. `relative` is made of plain names. Throws
 * `cache.unsafe_path`.
 */
async function assertNoLink(root: string, relative: string): Promise<void> {
  let path = root;
  for (const part of relative.split('/')) {
    if (part === '' || part === '.' || part === '..' || part.includes('\\')) throw unsafe(relative, 'is no plain path');
    path = join(path, part);
    if ((await factsOf(path))?.isSymbolicLink()) throw unsafe(relative, 'is a link, or lies below one');
  }
}

function unsafe(path: string, why: string): DomainError {
  return new DomainError(
    'cache.unsafe_path',
    `${JSON.stringify(path)} ${why}, so it is neither kept nor put back; name a folder that lies in the repository itself.`,
    { path },
  );
}

/** Every entry at and below `relative`, folders before what is in them. Devices, sockets and pipes are left out. */
async function* walk(root: string, relative: string): AsyncGenerator<{ path: string; facts: Stats }> {
  const facts = await factsOf(join(root, relative));
  if (facts === null || !(facts.isFile() || facts.isDirectory() || facts.isSymbolicLink())) return;
  yield { path: relative, facts };
  if (!facts.isDirectory()) return;
  for (const name of await readdir(join(root, relative))) yield* walk(root, `${relative}/${name}`);
}

/**
 * What a copy of what `paths` name below `root` takes on the disk at most, in bytes, and the number of its files and links; a path that
 * is not there has none. Throws `cache.unsafe_path`, and the signal's reason.
 */
export async function measureTree(
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly sizeBytes: number; readonly files: number }> {
  let sizeBytes = blockBytes;
  let files = 0;
  for (const path of paths) {
    await assertNoLink(root, path);
    // The folders above it, which a copy makes as well.
    sizeBytes += path.split('/').length * blockBytes;
    for await (const { facts } of walk(root, path)) {
      signal?.throwIfAborted();
      sizeBytes += sizeOnDisk(facts);
      if (!facts.isDirectory()) files += 1;
    }
  }
  return { sizeBytes, files };
}

/**
 * Copies what `paths` name below `from` to the same places below `to`, which must exist. What is there already stays as it is. Modes keep
 * their permission bits, folders can be written by their owner, links are copied as links. `durable` waits for the disk.
 *
 * Throws `cache.unsafe_path`, `cache.full` (more than `limitBytes` on the disk), the signal's reason, and errors of the system; then
 * a part may have been copied.
 */
export async function copyTree(options: {
  readonly from: string;
  readonly to: string;
  readonly paths: readonly string[];
  readonly limitBytes?: number;
  readonly durable?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each file that is next. */
  readonly onProgress?: () => void;
}): Promise<{ readonly sizeBytes: number; readonly files: number }> {
  const { from, to, limitBytes = Number.POSITIVE_INFINITY, durable = false } = options;
  const tasks = new Tasks(concurrentCopies);
  const folders: { readonly path: string; readonly facts: Stats }[] = [];
  let sizeBytes = 0;
  let files = 0;
  try {
    for (const path of options.paths) {
      await assertNoLink(from, path);
      await assertNoLink(to, path);
      if ((await factsOf(join(from, path))) === null) continue;
      await mkdir(join(to, path, '..'), { recursive: true });
      for await (const entry of walk(from, path)) {
        options.signal?.throwIfAborted();
        sizeBytes += sizeOnDisk(entry.facts);
        if (sizeBytes > limitBytes) throw new DomainError('cache.full', 'It grew while it was copied.', { limitBytes });
        const target = join(to, entry.path);
        if (entry.facts.isDirectory()) {
          if (await makeFolder(entry.path, target, entry.facts)) folders.push({ path: target, facts: entry.facts });
          continue;
        }
        files += 1;
        options.onProgress?.();
        await tasks.add(() => copyEntry(join(from, entry.path), target, entry.facts, durable));
      }
    }
    await tasks.finish();
  } finally {
    await tasks.settle();
  }
  // Last, and the deepest first: to write into a folder changes its time.
  for (const { path, facts } of folders.reverse()) {
    await utimes(path, facts.atime, facts.mtime);
    if (durable) await syncFolder(path);
  }
  if (durable) await syncFolder(to);
  return { sizeBytes, files };
}

/** Whether the folder is new. Throws `cache.unsafe_path` where anything but a folder is in its place. */
async function makeFolder(relative: string, target: string, facts: Stats): Promise<boolean> {
  try {
    await mkdir(target, { mode: (facts.mode & 0o777) | 0o700 });
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    if ((await factsOf(target))?.isDirectory()) return false;
    throw unsafe(relative, 'is no folder in the repository');
  }
}

async function copyEntry(source: string, target: string, facts: Stats, durable: boolean): Promise<void> {
  try {
    if (facts.isSymbolicLink()) {
      await symlink(await readlink(source), target);
      return;
    }
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return;
    throw error;
  }
  await utimes(target, facts.atime, facts.mtime);
  if (!durable) return;
  // Windows flushes only what is open for writing.
  const handle = await open(target, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
