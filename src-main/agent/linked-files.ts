/** Owns what became of files that got a second name in another release: a link changes a file's last change, and so every record of it. */
import { unlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type FileIdentity, lookAt, type ScannedEntry } from '../artifacts/scan-tree.ts';
import type { AgentFolder } from './agent-folder.ts';
import {
  nextTick,
  readTreeRecord,
  rowOf,
  scanRelease,
  TreeRecord,
  unknownRow,
  writeTreeRecord,
} from './tree-record.ts';

/** Removed until others of the event loop have their turn: some milliseconds' work. */
const filesAtATime = 100;

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

  #hasChanged(entry: ScannedEntry): boolean {
    if (entry.kind !== 'file') return false;
    const known = this.#byInode.get(entry.identity.ino);
    return known !== undefined && !isSame(known.after, entry.identity);
  }

  /** The record of a tree in which nothing vouches for a linked file that was changed since. */
  recordOf(found: readonly ScannedEntry[]): TreeRecord {
    return TreeRecord.of(found.map(entry => (this.#hasChanged(entry) ? unknownRow : rowOf(entry))));
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

/** Where each file of these releases lies, by its inode. */
async function placesOf(folder: AgentFolder, artifactIds: readonly string[]): Promise<Map<number, [string, string]>> {
  const places = new Map<number, [string, string]>();
  for (const artifactId of artifactIds) {
    const root = folder.release(artifactId);
    for (const entry of await scanRelease(root).catch(() => [])) {
      if (entry.kind === 'file') places.set(entry.identity.ino, [root, entry.path]);
    }
  }
  return places;
}

/**
 * Removes releases whose files may be those of `kept` ones too: to lose a name changes when a file changed last, as a link does, so the kept
 * trees' records follow. Throws the file system's errors; may be repeated.
 */
export async function removeLinkedReleases(
  folder: AgentFolder,
  gone: readonly string[],
  kept: readonly string[],
): Promise<void> {
  if (gone.length === 0) return;
  const places = await placesOf(folder, kept);
  const links = new LinkedFiles();
  for (const artifactId of gone) {
    const root = folder.release(artifactId);
    for (const [index, entry] of (await scanRelease(root)).entries()) {
      if (index % filesAtATime === 0) await setImmediate();
      const place = entry.kind === 'file' ? places.get(entry.identity.ino) : undefined;
      if (place === undefined) continue;
      const before = lookAt(...place);
      unlinkSync(join(root, entry.path));
      const after = lookAt(...place);
      if (before.kind !== 'file' || after.kind !== 'file') continue;
      // The looks are microseconds apart: in between only these can tell of a write.
      const isSame = before.sizeBytes === after.sizeBytes && before.identity.mtimeMs === after.identity.mtimeMs;
      if (isSame) links.add(before.identity, after.identity);
    }
    await rm(root, { recursive: true, force: true });
  }
  if (await nextTick(folder)) await refreshRecords(folder, links);
}
