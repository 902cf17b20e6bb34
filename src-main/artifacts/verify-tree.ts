/** Owns checking a tree on disk against a file list. Changes nothing. */
import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { FileEntry } from '../contract/documents.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import { comparePaths } from './safe-path.ts';
import { type ScannedEntry, scanTree, wholeTree } from './scan-tree.ts';
import { readSourceFile, type ScannedFile, withSourceFile } from './source-file.ts';

/** What is read of a file at once. */
const readBytes = 1024 * 1024;
/**
 * Files up to this size are read in this thread, which is several times as fast as five trips to another for each; so many bytes, or
 * files, until the others of its event loop have their turn: some milliseconds' work.
 */
const smallBytes = 64 * 1024;
const smallBytesAtATime = 1024 * 1024;
const smallFilesAtATime = 100;

async function hashFile(root: string, file: ScannedFile, buffer: Uint8Array): Promise<string> {
  if (file.sizeBytes <= smallBytes) {
    const content = buffer.subarray(0, file.sizeBytes);
    readSourceFile(root, file, content, 0);
    return hash('sha256', content, 'hex');
  }
  return withSourceFile(root, file, async handle => {
    const digest = createHash('sha256');
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return digest.digest('hex');
      digest.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  });
}

/** What is wrong with what was found at the path of `expected`, or null. */
async function difference(
  root: string,
  expected: FileEntry,
  found: ScannedEntry,
  buffer: Uint8Array,
): Promise<string | null> {
  if (expected.kind === 'file' && found.kind === 'file') {
    if (expected.sizeBytes !== found.sizeBytes) return `has ${found.sizeBytes} bytes instead of ${expected.sizeBytes}`;
    if (process.platform !== 'win32' && expected.executable !== found.executable) {
      return expected.executable ? 'is not executable any more' : 'became executable';
    }
    return (await hashFile(root, found, buffer)) === expected.sha256 ? null : 'has other content';
  }
  if (expected.kind === 'link' && found.kind === 'link') {
    return expected.target === found.target ? null : 'leads somewhere else';
  }
  return expected.kind === found.kind ? null : `is a ${found.kind} instead of a ${expected.kind}`;
}

function mismatch(dir: string, path: string, problem: string): DomainError {
  return new DomainError(
    'artifact.digest_mismatch',
    `${JSON.stringify(path)} in ${dir} ${problem}. The tree is not the artifact any more: unpack it again.`,
    { path, directory: dir, problem },
  );
}

/**
 * Checks that `dir` holds exactly what `entries` names: kinds, sizes, executable bits, links, digests; nothing missing, nothing
 * more. Reads every byte.
 *
 * Throws `artifact.digest_mismatch` with the first difference in path order (also where `dir` itself is missing),
 * `artifact.unsupported_file` where a file cannot be read, `conflict` where it changes meanwhile.
 */
export async function verifyTree(dir: string, entries: readonly FileEntry[]): Promise<void> {
  const expected = entries.toSorted((a, b) => comparePaths(a.path, b.path));
  const found: ScannedEntry[] = [];
  await scanTree(dir, wholeTree, { entry: entry => found.push(entry) }).catch((error: unknown) => {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw mismatch(dir, '.', 'is missing');
    throw error;
  });
  const buffer = new Uint8Array(readBytes);
  let [filesDone, bytesDone] = [0, 0];
  for (let index = 0; index < Math.max(expected.length, found.length); index += 1) {
    const wanted = expected[index];
    const actual = found[index];
    const order = wanted && actual ? comparePaths(wanted.path, actual.path) : 0;
    if (wanted && (!actual || order < 0)) throw mismatch(dir, wanted.path, 'is missing');
    if (actual && (!wanted || order > 0)) throw mismatch(dir, actual.path, 'is not part of the artifact');
    if (wanted && actual) {
      filesDone += 1;
      bytesDone += actual.kind === 'file' && actual.sizeBytes <= smallBytes ? actual.sizeBytes : 0;
      if (filesDone >= smallFilesAtATime || bytesDone >= smallBytesAtATime) {
        [filesDone, bytesDone] = [0, 0];
        await setImmediate();
      }
      const problem = await difference(dir, wanted, actual, buffer);
      if (problem !== null) throw mismatch(dir, wanted.path, problem);
    }
  }
}
