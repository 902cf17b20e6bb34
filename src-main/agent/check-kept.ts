/** Owns whether a release that was kept is whole: by the record of its files, or byte by byte, once what programs left beside them is gone. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScannedEntry } from '../artifacts/scan-tree.ts';
import { verifyTree } from '../artifacts/verify-tree.ts';
import type { FileEntry } from '../contract/documents.ts';
import type { AgentFolder } from './agent-folder.ts';
import { isShared } from './shared-paths.ts';
import { fingerprintOf, nextTick, readTreeRecord, scanRelease, writeTreeRecord } from './tree-record.ts';

export interface KeptTree {
  readonly folder: AgentFolder;
  readonly artifactId: string;
  /** The artifact's file list. */
  readonly entries: readonly FileEntry[];
  /** Paths that are links into what outlives the release: nothing vouches for them. */
  readonly shared: readonly string[];
}

function ownEntries({ entries, shared }: KeptTree): readonly FileEntry[] {
  return entries.filter(entry => !isShared(entry.path, shared));
}

/** Every path that the list names, and the folders above. */
function namedPaths(entries: readonly FileEntry[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { path } of entries) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end);
      if (named.has(above)) break;
      named.add(above);
    }
  }
  return named;
}

/** The highest folder of a path that is not named, or the path itself. */
function highestUnnamed(path: string, named: ReadonlySet<string>): string {
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
    if (!named.has(path.slice(0, end))) return path.slice(0, end);
  }
  return path;
}

function fingerprint(found: readonly ScannedEntry[], named: ReadonlySet<string>): string {
  return fingerprintOf(found.filter(({ path }) => named.has(path)));
}

/**
 * Makes a kept tree the release's again as far as that needs no byte: what it does not name goes (caches, logs, links to what is shared).
 * Where the file system says of every file what it said when its bytes were checked last, that is enough; else every file is read, and
 * `readsAll` reads them in any case. Never for a release that runs. Throws `artifact.digest_mismatch` where a file is another.
 */
export async function cleanAndVerify(tree: KeptTree, readsAll: boolean): Promise<void> {
  const { folder, artifactId } = tree;
  const root = folder.release(artifactId);
  const own = ownEntries(tree);
  const named = namedPaths(own);
  const found = await scanRelease(root);
  const unnamed = found.flatMap(({ path }) => (named.has(path) ? [] : [highestUnnamed(path, named)]));
  for (const path of new Set(unnamed)) await rm(join(root, path), { recursive: true, force: true });
  const record = await readTreeRecord(folder, artifactId);
  if (!readsAll && record !== null && record === fingerprint(found, named)) return;
  const isLater = await nextTick(folder);
  const before = fingerprint(await scanRelease(root), named);
  await verifyTree(root, own);
  const after = fingerprint(await scanRelease(root), named);
  // What was written while it was read is not vouched for.
  if (isLater && before === after) await writeTreeRecord(folder, artifactId, after);
}

/** Remembers a tree whose every byte was checked while it was made, and that nobody has used since. */
export async function recordTree(tree: KeptTree): Promise<void> {
  const { folder, artifactId } = tree;
  if (!(await nextTick(folder))) return;
  const found = await scanRelease(folder.release(artifactId));
  await writeTreeRecord(folder, artifactId, fingerprint(found, namedPaths(ownEntries(tree))));
}

/** Whether the tree is as it was recorded. Changes and reads nothing. */
export async function isAsRecorded(tree: KeptTree): Promise<boolean> {
  const record = await readTreeRecord(tree.folder, tree.artifactId);
  if (record === null) return false;
  const found = await scanRelease(tree.folder.release(tree.artifactId)).catch(() => []);
  return record === fingerprint(found, namedPaths(ownEntries(tree)));
}
