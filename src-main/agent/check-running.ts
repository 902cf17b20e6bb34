/** Owns the slow look at the files of the release that runs: whether each is still the one that was installed. Changes nothing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeFileList } from '../artifacts/file-list.ts';
import type { FileEntry } from '../contract/documents.ts';
import { systemErrorCode } from '../contract/errors.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { Installed } from './agent-state.ts';
import { currentArtifact } from './current-link.ts';
import { activationOf } from './run-release.ts';
import { isShared } from './shared-paths.ts';

/** Little enough to leave the disk to what runs: 15 GB take a quarter of an hour. */
const bytesPerSecond = 16 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

async function sha256Slowly(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) {
    hash.update(chunk);
    if (chunk.length === chunkBytes) await delay((1_000 * chunkBytes) / bytesPerSecond, undefined, { signal });
  }
  return hash.digest('hex');
}

async function entryProblem(root: string, entry: FileEntry, signal: AbortSignal): Promise<string | null> {
  const path = join(root, entry.path);
  try {
    const stats = await lstat(path);
    switch (entry.kind) {
      case 'directory':
        return stats.isDirectory() ? null : 'is no folder any more';
      case 'link':
        return stats.isSymbolicLink() && (await readlink(path)) === entry.target ? null : 'leads somewhere else';
      case 'file': {
        if (!stats.isFile() || stats.size !== entry.sizeBytes) return 'is another file';
        if (process.platform !== 'win32' && ((stats.mode & 0o100) !== 0) !== entry.executable)
          return 'has another mode';
        return (await sha256Slowly(path, signal)) === entry.sha256 ? null : 'has other content';
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    return `cannot be read (${systemErrorCode(error) ?? 'it changed meanwhile'})`;
  }
}

/** Whether `current` names the release that should run; null where it does. */
export async function linkProblem(folder: AgentFolder, release: Installed): Promise<string | null> {
  const artifactId = await currentArtifact(folder);
  if (artifactId === release.artifactId) return null;
  return artifactId === null ? '"current" is gone' : `"current" names artifact ${artifactId.slice(0, 12)}`;
}

/**
 * What of the running release is not as it was installed: the first file by path, or null. What programs write beside the files of the
 * release is theirs. Null also where this machine has no list of the files. Throws the signal's reason.
 */
export async function fileProblem(
  folder: AgentFolder,
  release: Installed,
  signal: AbortSignal,
): Promise<string | null> {
  const list = await readFile(folder.fileList(release.artifactId)).catch(() => null);
  if (list === null) return null;
  const { shared } = activationOf(release);
  for (const entry of decodeFileList(list, release.artifactId)) {
    if (isShared(entry.path, shared)) continue;
    const problem = await entryProblem(folder.release(release.artifactId), entry, signal);
    if (problem !== null) return `${JSON.stringify(entry.path)} ${problem}`;
  }
  return null;
}
