/** Owns what the file system's errors mean while a release is written into its folder. */
import { DomainError, systemErrorCode } from '../contract/errors.ts';

/** `agent.disk_full`, `data.unwritable` or `artifact.unsafe_path` where the error is one of these; else the error as it is. */
export function targetError(error: unknown, targetDir: string): unknown {
  const code = systemErrorCode(error);
  const options = { cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `The disk is full: the release could not be unpacked to ${targetDir}. Free some space; it is tried again.`;
    return new DomainError('agent.disk_full', message, { path: targetDir }, options);
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    const message = `${targetDir} cannot be written (${code}). Give the user that the agent runs as the right to write files and links there.`;
    return new DomainError('data.unwritable', message, { path: targetDir }, options);
  }
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EEXIST') {
    const message = `This machine's file system cannot hold a name of the artifact as it is (${code}, below ${targetDir}). Use a shorter folder, or rename the file and build again.`;
    return new DomainError('artifact.unsafe_path', message, { path: targetDir }, options);
  }
  return error;
}
