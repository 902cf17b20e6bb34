/** Owns what became of files that got a second name in another release: a link changes a file's last change, and so every record of it. */
import { readdir } from 'node:fs/promises';
import type { FileIdentity, ScannedEntry } from '../artifacts/scan-tree.ts';
import type { AgentFolder } from './agent-folder.ts';
import { readTreeRecord, rowOf, scanRelease, TreeRecord, writeTreeRecord } from './tree-record.ts';

const recordName = /^([0-9a-f]{64})\.tree$/;

function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return (
    one.dev === other.dev && one.ino === other.ino && one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs
  );
}

/** The files that were linked while a tree was made, each as it was before its first link here and after its last. */
export class LinkedFiles {
  readonly #byInode = new Map<number, { readonly before: FileIdentity; readonly after: FileIdentity }>();

  get isEmpty(): boolean {
    return this.#byInode.size === 0;
  }

  add(before: FileIdentity, after: FileIdentity): void {
    const known = this.#byInode.get(before.ino);
    const first = known !== undefined && isSame(known.after, before) ? known.before : before;
    this.#byInode.set(before.ino, { before: first, after });
  }

  /** The entry as it was before it was linked, where nothing else became of it since. */
  asBefore(entry: ScannedEntry): ScannedEntry {
    if (entry.kind !== 'file') return entry;
    const known = this.#byInode.get(entry.identity.ino);
    return known !== undefined && isSame(known.after, entry.identity) ? { ...entry, identity: known.before } : entry;
  }

  /** Whether something else became of a linked file since. */
  hasChanged(entry: ScannedEntry): boolean {
    if (entry.kind !== 'file') return false;
    const known = this.#byInode.get(entry.identity.ino);
    return known !== undefined && !isSame(known.after, entry.identity);
  }

  /** One row of a record for each entry; a linked file that was changed since has one that vouches for nothing. */
  record(found: readonly ScannedEntry[], rowOfChanged: string): TreeRecord {
    return TreeRecord.of(found.map(entry => (this.hasChanged(entry) ? rowOfChanged : rowOf(entry))));
  }
}

/**
 * Brings the records of all trees here up to what linking their files has changed, and nothing else: what was not vouched for before is not
 * vouched for now. Only after the tick (`nextTick`) in which the last file was linked. Never throws: a record that stays behind only means
 * that its tree is read.
 */
export async function refreshRecords(folder: AgentFolder, links: LinkedFiles): Promise<void> {
  if (links.isEmpty) return;
  for (const name of await readdir(folder.lists).catch(() => [])) {
    const artifactId = recordName.exec(name)?.[1];
    if (artifactId !== undefined) await refreshRecord(folder, artifactId, links).catch(() => undefined);
  }
}

async function refreshRecord(folder: AgentFolder, artifactId: string, links: LinkedFiles): Promise<void> {
  const record = await readTreeRecord(folder, artifactId);
  if (record === null) return;
  const successors = new Map<string, string>();
  for (const entry of await scanRelease(folder.release(artifactId))) {
    const before = links.asBefore(entry);
    if (before !== entry) successors.set(rowOf(before), rowOf(entry));
  }
  // Rows are replaced, never dropped: a record without one would vouch for a tree without its file.
  const next = TreeRecord.of([...record.rows()].map(row => successors.get(row) ?? row));
  if (!next.equals(record)) await writeTreeRecord(folder, artifactId, next);
}
