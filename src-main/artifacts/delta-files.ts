/** Owns what applying a delta does with single files: read them from the base, place them in the new tree, check them. */
import { createHash } from 'node:crypto';
import { constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { ListedFile } from './delta-format.ts';
import { writeAll } from './pack-file.ts';

/** Fails where anything is at the path already, a link included. The last flag is absent on Windows. */
const createFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Up to this size a file is read at once and checked before it is written. */
const smallFileBytes = 1024 * 1024;
const readBytes = 1024 * 1024;

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

/** Makes `target` new, lets `fill` write it, and returns when it lies on the disk under its mode. */
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
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Copies a file within the machine, and checks the copy: what lies in `target` has the file's digest, or this throws `artifact.digest_mismatch`. */
export async function placeFile(options: {
  readonly fromRoot: string;
  readonly from: ListedFile;
  readonly target: string;
  readonly executable: boolean;
  readonly signal: AbortSignal | undefined;
}): Promise<void> {
  const { fromRoot, from, target, executable } = options;
  if (from.sizeBytes > smallFileBytes) return placeLarge(options);
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

/**
 * A clone where the file system makes one (Btrfs, XFS, APFS, ReFS), which costs nothing, else a copy inside the kernel.
 *
 * Never a hard link: a release's programs run in its folder and may write to its files. Through a link they would write to
 * the release before it as well, and the way back would lead to something that nobody released.
 */
async function placeLarge({
  fromRoot,
  from,
  target,
  executable,
  signal,
}: Parameters<typeof placeFile>[0]): Promise<void> {
  // Opened first, so that a link or a pipe in its place is refused; the copy itself is what is checked.
  await (await openBaseFile(fromRoot, from)).close();
  await copyFile(path.join(fromRoot, from.path), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // Opened for writing, since nothing else may be flushed everywhere.
  const handle = await open(target, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(readBytes);
    for (let offset = 0; offset < from.sizeBytes; offset += readBytes) {
      signal?.throwIfAborted();
      hash.update(
        await readBase(handle, from, buffer, { offset, lengthBytes: Math.min(readBytes, from.sizeBytes - offset) }),
      );
    }
    if ((await handle.stat()).size !== from.sizeBytes) throw baseDamaged(from, 'is longer than it was');
    assertDigest(from, hash.digest('hex'));
    await handle.chmod(executable ? 0o755 : 0o644);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function assertDigest(file: ListedFile, actual: string): void {
  if (actual !== file.sha256) throw baseDamaged(file, 'has other content than it had');
}
