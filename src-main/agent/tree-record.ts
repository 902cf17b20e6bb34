/** Owns the proof that a kept release is as it was when its bytes were checked: a record of what the file system says of its files. */
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ScannedEntry, scanTree, wholeTree } from '../artifacts/scan-tree.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { AgentFolder } from './agent-folder.ts';

/** Kernels keep times by ticks of 1 to 10 ms, the coarsest file systems by two seconds. Source: inode_timestamps(7); exFAT specification, 7.4.8. */
const tickPollMs = 2;
const longestTickMs = 2_500;

/** Everything below a release's folder. Throws the file system's errors. */
export async function scanRelease(root: string): Promise<ScannedEntry[]> {
  const found: ScannedEntry[] = [];
  await scanTree(root, wholeTree, { entry: entry => found.push(entry) });
  return found;
}

/**
 * What the file system says of these entries, as one digest: kinds, modes, links, and of each file its inode, size, and the times of its
 * last write and last change. No program sets the last of these: a file that was written and given its old time again is another.
 * Source: inode(7), "ctime".
 */
export function fingerprintOf(found: readonly ScannedEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of found) hash.update(`${JSON.stringify(entry)}\n`);
  return hash.digest('hex');
}

async function changeTimeNow(path: string): Promise<number> {
  const handle = await open(path, 'w', 0o600);
  await handle.close();
  return (await stat(path)).ctimeMs;
}

/**
 * Waits until the file system gives a later time than to anything that was changed before: from then on no change can hide in the same tick.
 * False where its clock stands or is set back, or the disk is full; then nothing may be recorded.
 */
export async function nextTick(folder: AgentFolder): Promise<boolean> {
  // What a killed agent leaves of it is removed with half-made trees.
  const probe = `${folder.releases}/tick.tmp-${randomUUID()}`;
  try {
    const before = await changeTimeNow(probe);
    for (const endMs = performance.now() + longestTickMs; performance.now() < endMs; ) {
      await delay(tickPollMs);
      if ((await changeTimeNow(probe)) > before) return true;
    }
    return false;
  } catch {
    return false;
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/** The fingerprint under which the artifact's tree was last seen whole; null where there is none. */
export async function readTreeRecord(folder: AgentFolder, artifactId: string): Promise<string | null> {
  const text = await readFile(folder.treeRecord(artifactId), 'utf8').catch(() => null);
  return text === null ? null : text.trim();
}

/** Never throws: what has no record, as on a full disk, is read byte by byte. */
export async function writeTreeRecord(folder: AgentFolder, artifactId: string, fingerprint: string): Promise<void> {
  const bytes = Buffer.from(`${fingerprint}\n`);
  await replacePrivateFile(folder.treeRecord(artifactId), bytes).catch(() => undefined);
}

/** The next to rely on the tree reads every byte of it. */
export async function removeTreeRecord(folder: AgentFolder, artifactId: string): Promise<void> {
  await rm(folder.treeRecord(artifactId), { force: true });
}
