/** Owns the proof that a kept release is as it was when its bytes were checked: a record of what the file system says of its files. */
import { hash, randomUUID } from 'node:crypto';
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

/** First in the file: a record of another version is none. */
const head = Buffer.from('slipway.tree/v2\n', 'latin1');
/** Of a SHA-256: enough that no two states of files have the same. */
const rowBytes = 16;
/** What no entry has: of an entry whose bytes nobody vouches for. */
export const unknownRow = '\0'.repeat(rowBytes);

/**
 * What the file system says of an entry, as 16 characters of one byte each: path, kind, executable bit, a link's target, and of a file its
 * inode, size, and the times of its last write and last change. No program sets the last of these: a file that was written and given its
 * old time again is another. Source: inode(7), "ctime".
 */
export function rowOf(entry: ScannedEntry): string {
  return hash('sha256', JSON.stringify(entry), 'buffer').toString('latin1', 0, rowBytes);
}

/** One row for each entry of a tree, in the order of the paths. */
export class TreeRecord {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static of(rows: readonly string[]): TreeRecord {
    return new TreeRecord(Buffer.concat([head, Buffer.from(rows.join(''), 'latin1')]));
  }

  /** Null where the bytes are no record that this version knows. */
  static parse(bytes: Buffer): TreeRecord | null {
    const isKnown = bytes.subarray(0, head.length).equals(head) && (bytes.length - head.length) % rowBytes === 0;
    return isKnown ? new TreeRecord(bytes) : null;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  equals(other: TreeRecord): boolean {
    return this.#bytes.equals(other.#bytes);
  }

  *rows(): Generator<string> {
    for (let at = head.length; at < this.#bytes.length; at += rowBytes) {
      yield this.#bytes.toString('latin1', at, at + rowBytes);
    }
  }
}

/** What the file system says of exactly these entries. */
export function recordOf(found: readonly ScannedEntry[]): TreeRecord {
  return TreeRecord.of(found.map(rowOf));
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

/** The record of the artifact's tree when it was last seen whole; null where there is none. */
export async function readTreeRecord(folder: AgentFolder, artifactId: string): Promise<TreeRecord | null> {
  const bytes = await readFile(folder.treeRecord(artifactId)).catch(() => null);
  return bytes === null ? null : TreeRecord.parse(bytes);
}

/** Never throws: what has no record, as on a full disk, is read byte by byte. */
export async function writeTreeRecord(folder: AgentFolder, artifactId: string, record: TreeRecord): Promise<void> {
  await replacePrivateFile(folder.treeRecord(artifactId), record.bytes).catch(() => undefined);
}

/** The next to rely on the tree reads every byte of it. */
export async function removeTreeRecord(folder: AgentFolder, artifactId: string): Promise<void> {
  await rm(folder.treeRecord(artifactId), { force: true });
}
