/** Owns what applying a delta does with single files: read them from the base, place them in the new tree, check them. */
import { createHash } from 'node:crypto';
import { constants, copyFile, type FileHandle, link, lstat, open } from 'node:fs/promises';
import path from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { ContentDigests } from './content-digests.ts';
import type { ListedFile } from './delta-format.ts';
import { writeAll } from './pack-file.ts';

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
  readonly digests: ContentDigests;
  readonly signal: AbortSignal | undefined;
}

/** Gives a file of this machine a second place, and checks it: what lies in `target` has the file's digest, or this throws `artifact.digest_mismatch`. */
export async function placeFile(options: PlaceOptions): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  if (options.link && (await linkFile(options))) return;
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

async function assertContent(handle: FileHandle, { from, digests, signal }: PlaceOptions): Promise<void> {
  if ((await handle.stat()).size !== from.sizeBytes) throw baseDamaged(from, 'has another size than it had');
  const digest = await digests.of(from.sizeBytes, (buffer, offset, lengthBytes) => {
    signal?.throwIfAborted();
    return readBase(handle, from, buffer, { offset, lengthBytes });
  });
  assertDigest(from, digest);
}

/** What a file system or a policy says where it has no hard links, or none more for this file. */
const unlinkableCodes = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Whether `target` is now the base's own file, with no right to write for anybody. Its bytes are read first; the file that was read is the
 * one that is linked, or this throws `artifact.digest_mismatch`.
 */
async function linkFile(options: PlaceOptions): Promise<boolean> {
  const { fromRoot, from, target, executable } = options;
  const source = await openBaseFile(fromRoot, from);
  try {
    const { mode } = await source.stat();
    // The mode belongs to the file, and so to both releases.
    if (((mode & 0o100) !== 0) !== executable) return false;
    if ((mode & 0o777) !== linkedMode(executable)) await source.chmod(linkedMode(executable));
    await assertContent(source, options);
    const { dev, ino, mtimeMs, size } = await source.stat();
    await link(path.join(fromRoot, from.path), target);
    const linked = await lstat(target);
    const isSame = linked.ino === ino && linked.dev === dev && linked.mtimeMs === mtimeMs && linked.size === size;
    if (!isSame) throw baseDamaged(from, 'changed while it was read');
    return true;
  } catch (error) {
    if (unlinkableCodes.has(systemErrorCode(error) ?? '')) return false;
    throw error;
  } finally {
    await source.close();
  }
}

const linkedMode = (executable: boolean) => (executable ? 0o555 : 0o444);

/** A clone where the file system makes one (Btrfs, XFS, APFS, ReFS), which costs nothing, else a copy inside the kernel. */
async function copyLarge(options: PlaceOptions): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  // Opened first, so that a link or a pipe in its place is refused; the copy itself is what is checked.
  await (await openBaseFile(fromRoot, from)).close();
  await copyFile(path.join(fromRoot, from.path), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
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
