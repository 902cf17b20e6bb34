/** Owns what applying a delta does with single files: read them from the base, place them in the new tree, check them. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  type Stats,
} from 'node:fs';
import { chmod, constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { ContentDigests } from './content-digests.ts';
import type { ListedFile } from './delta-format.ts';
import { writeAll } from './pack-file.ts';
import { lookAt, type ScannedEntry, type ScannedFileEntry } from './scan-tree.ts';
import { isScanned } from './source-file.ts';

/** Fails where anything is at the path already, a link included. The last flag is absent on Windows. */
const createFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Up to this size a file is read at once and checked before it is written. */
const smallFileBytes = 1024 * 1024;

/** What a file system says when a file of the base is not what it was. */
const goneCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES', 'EIO']);

export function baseDamaged(file: ListedFile, problem: string, cause?: unknown): DomainError {
  return new DomainError(
    'artifact.digest_mismatch',
    `${JSON.stringify(file.path)} in the release that the delta is made against ${problem}. The full pack serves in its place.`,
    { path: file.path },
    { cause },
  );
}

export async function openBaseFile(root: string, file: ListedFile): Promise<FileHandle> {
  try {
    return await open(path.join(root, file.path), readFlags);
  } catch (error) {
    if (!goneCodes.has(systemErrorCode(error) ?? '')) throw error;
    throw baseDamaged(file, `cannot be read (${systemErrorCode(error)})`, error);
  }
}

/** Exactly `lengthBytes` from `offset`, into `buffer` from its start. Throws `artifact.digest_mismatch` where the file is shorter. */
export async function readBase(
  handle: FileHandle,
  file: ListedFile,
  buffer: Uint8Array,
  range: { readonly offset: number; readonly lengthBytes: number },
): Promise<Uint8Array> {
  const { offset, lengthBytes } = range;
  for (let done = 0; done < lengthBytes; ) {
    const { bytesRead } = await handle.read(buffer, done, lengthBytes - done, offset + done);
    if (bytesRead === 0) throw baseDamaged(file, 'is shorter than it was');
    done += bytesRead;
  }
  return buffer.subarray(0, lengthBytes);
}

/** Makes `target` new under its mode, and lets `fill` write it. */
export async function createFile(
  target: string,
  executable: boolean,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const mode = executable ? 0o755 : 0o644;
  const handle = await open(target, createFlags, mode);
  try {
    await fill(handle);
    // The mode at opening is cut by the umask.
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

export interface PlaceOptions {
  readonly fromRoot: string;
  readonly from: ListedFile;
  readonly target: string;
  readonly executable: boolean;
  /** Whether `target` may be the same file as the base's, under a second name. */
  readonly link: boolean;
  /** Whether `from` need not be read, being as it was when its bytes were checked. */
  readonly vouchesFor: (file: ScannedFileEntry) => boolean;
  readonly onLinked: (before: ScannedFileEntry, after: ScannedFileEntry) => void;
  readonly digests: ContentDigests;
  readonly signal: AbortSignal | undefined;
}

/**
 * Gives a file of this machine a second place, and checks it: what lies in `target` has the file's digest, by its bytes or by what vouches
 * for them, or this throws `artifact.digest_mismatch`.
 */
export async function placeFile(options: PlaceOptions): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  const seen = lookAtBase(options);
  const isVouched = options.vouchesFor(seen);
  // The mode belongs to the file, and so to both releases.
  if (options.link && seen.executable === executable) {
    if (!isVouched) await readSeen(options, seen);
    if (linkSeen(options, seen)) return;
  }
  if (isVouched) return copySeen(options, seen);
  if (from.sizeBytes > smallFileBytes) return copyLarge(options);
  const source = await openBaseFile(fromRoot, from);
  try {
    const content = await readBase(source, from, Buffer.allocUnsafe(from.sizeBytes), {
      offset: 0,
      lengthBytes: from.sizeBytes,
    });
    assertDigest(from, createHash('sha256').update(content).digest('hex'));
    await createFile(target, executable, handle => writeAll(handle, content));
  } finally {
    await source.close();
  }
}

/** The file as it is now. Asks in this thread, which for a call of microseconds is several times as fast as from another. */
function lookAtBase({ fromRoot, from }: Pick<PlaceOptions, 'fromRoot' | 'from'>): ScannedFileEntry {
  let seen: ScannedEntry;
  try {
    seen = lookAt(fromRoot, from.path);
  } catch (error) {
    if (!goneCodes.has(systemErrorCode(error) ?? '')) throw error;
    throw baseDamaged(from, `cannot be read (${systemErrorCode(error)})`, error);
  }
  if (seen.kind !== 'file') throw baseDamaged(from, `is a ${seen.kind} now`);
  if (seen.sizeBytes !== from.sizeBytes) throw baseDamaged(from, 'has another size than it had');
  return seen;
}

async function assertContent(handle: FileHandle, { from, digests, signal }: PlaceOptions): Promise<void> {
  if ((await handle.stat()).size !== from.sizeBytes) throw baseDamaged(from, 'has another size than it had');
  const digest = await digests.of(from.sizeBytes, (buffer, offset, lengthBytes) => {
    signal?.throwIfAborted();
    return readBase(handle, from, buffer, { offset, lengthBytes });
  });
  assertDigest(from, digest);
}

/** Makes sure of the bytes of the file that was seen. */
async function readSeen(options: PlaceOptions, seen: ScannedFileEntry): Promise<void> {
  const { fromRoot, from } = options;
  const source = await openBaseFile(fromRoot, from);
  try {
    await assertContent(source, options);
    if (!isScanned(seen, await source.stat())) throw baseDamaged(from, 'changed while it was read');
  } finally {
    await source.close();
  }
}

/** What a file system or a policy says where it has no hard links, or none more for this file. */
const unlinkableCodes = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

const linkedMode = (executable: boolean) => (executable ? 0o555 : 0o444);

/** Whether it is the file that was seen, apart from when it changed last: a link and a mode set that. */
function isLinked({ sizeBytes, identity: { dev, ino, mtimeMs } }: ScannedFileEntry, stats: Stats): boolean {
  const isSame = stats.dev === dev && stats.ino === ino && stats.mtimeMs === mtimeMs;
  return stats.isFile() && isSame && stats.size === sizeBytes;
}

/** Takes every right to write from a file. By its handle: through a name that was swapped, the mode of any file could be set. */
function protect(file: string, seen: ScannedFileEntry): boolean {
  const handle = openSync(file, readFlags);
  try {
    const isSame = isLinked(seen, fstatSync(handle));
    if (isSame) fchmodSync(handle, linkedMode(seen.executable));
    return isSame;
  } finally {
    closeSync(handle);
  }
}

/**
 * Whether `target` is now the very file that was seen, with no right to write for anybody. The two looks at it are microseconds apart: in
 * between only its size and the time of its last write can tell of a change.
 */
function linkSeen({ fromRoot, from, target, executable, onLinked }: PlaceOptions, seen: ScannedFileEntry): boolean {
  try {
    linkSync(path.join(fromRoot, from.path), target);
  } catch (error) {
    if (unlinkableCodes.has(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
  const linked = lstatSync(target);
  const isProtected = (linked.mode & 0o777) === linkedMode(executable);
  if (!isLinked(seen, linked) || !(isProtected || protect(target, seen))) {
    throw baseDamaged(from, 'changed while it was read');
  }
  onLinked(seen, lookAtBase({ fromRoot, from }));
  return true;
}

/** Larger files are copied by other threads. */
const copiedHereBytes = 64 * 1024;

/** Copies the file that was seen, which is the same file, unchanged, when the copy is there: so its bytes are the ones that were vouched for. */
async function copySeen(options: PlaceOptions, seen: ScannedFileEntry): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  const source = path.join(fromRoot, from.path);
  const mode = executable ? 0o755 : 0o644;
  if (from.sizeBytes <= copiedHereBytes) {
    copyFileSync(source, target, copyFlags);
    chmodSync(target, mode);
  } else {
    await copyFile(source, target, copyFlags);
    await chmod(target, mode);
  }
  const after = lookAtBase(options);
  if (isScanned(seen, { ...after.identity, size: after.sizeBytes })) return;
  throw baseDamaged(from, 'changed while it was copied');
}

/** A clone where the file system makes one (Btrfs, XFS, APFS, ReFS), which costs nothing, else a copy inside the kernel. */
const copyFlags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

async function copyLarge(options: PlaceOptions): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  // Opened first, so that a link or a pipe in its place is refused; the copy itself is what is checked.
  await (await openBaseFile(fromRoot, from)).close();
  await copyFile(path.join(fromRoot, from.path), target, copyFlags);
  const handle = await open(target, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    await assertContent(handle, options);
    await handle.chmod(executable ? 0o755 : 0o644);
  } finally {
    await handle.close();
  }
}

function assertDigest(file: ListedFile, actual: string): void {
  if (actual !== file.sha256) throw baseDamaged(file, 'has other content than it had');
}
