/** Owns the translation of the file system's errors to `store.*` codes, with the remedy for each. */
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';

/** An error of the store at `root` as a `DomainError`; a `DomainError` and an abort pass as they are. */
export function translateFilesystemError(error: unknown, root: string): unknown {
  const systemCode = systemErrorCode(error);
  if (error instanceof DomainError || systemCode === null || systemCode === 'ABORT_ERR') return error;
  const details = { root, systemCode };
  const options = { cause: error };
  switch (systemCode) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DomainError(
        'store.full',
        `The store ${root} has no space left. Free some space, raise its quota, or remove old packs; the copy is tried again by itself.`,
        details,
        options,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new DomainError(
        'store.forbidden',
        systemCode === 'EROFS'
          ? `The store ${root} is on a read-only file system. Mount it writable, or choose another folder.`
          : `This user may not read or write the store ${root}. Give it access to the folder, or choose another one.`,
        details,
        options,
      );
    case 'ENOENT':
      return new DomainError(
        'store.unreachable',
        `The folder ${root} of the store is not there. Create it, or mount the volume that holds it.`,
        details,
        options,
      );
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
      return new DomainError(
        'store.malformed',
        `The store ${root} has a file where a folder should be, a folder where a file should be, or a symbolic link inside. Move it out of the way.`,
        details,
        options,
      );
    default:
      return new DomainError(
        'store.unreachable',
        `The store ${root} does not answer (${systemCode}: ${messageOf(error)}). Check the disk or the mount.`,
        details,
        options,
      );
  }
}
