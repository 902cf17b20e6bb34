/** Owns whether a release that was kept is whole: by the record of its files, or byte by byte, once what programs left beside them is gone. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScannedEntry } from '../artifacts/scan-tree.ts';
import { verifyTree } from '../artifacts/verify-tree.ts';
import type { FileEntry } from '../contract/documents.ts';
import type { AgentFolder } from './agent-folder.ts';
import { type LinkedFiles, refreshRecords } from './linked-files.ts';
import { isShared } from './shared-paths.ts';
import { nextTick, readTreeRecord, recordOf, scanRelease, writeTreeRecord } from './tree-record.ts';

export interface KeptTree {
  readonly folder: AgentFolder;
  readonly artifactId: string;
  /** Paths that are links into what outlives the release: nothing vouches for them. */
  readonly shared: readonly string[];
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

/**
 * Makes a kept tree the release's again as far as that needs no byte: what it does not name goes (caches, logs, links to what is shared).
 * Where the file system says of every file what it said when its bytes were checked last, that is enough, and where nothing lies beside
 * them not even the list is read; else every file is. `readsAll` reads them in any case. Never for a release that runs.
 * Throws `artifact.digest_mismatch` where a file is another, and what `readList` throws.
 */
export async function cleanAndVerify(
  tree: KeptTree,
  readList: () => Promise<readonly FileEntry[]>,
  readsAll: boolean,
): Promise<void> {
  const { folder, artifactId, shared } = tree;
  const root = folder.release(artifactId);
  const record = readsAll ? null : await readTreeRecord(folder, artifactId);
  const found = await scanRelease(root);
  const isRecorded = (entries: readonly ScannedEntry[]) => record?.equals(recordOf(entries)) ?? false;
  if (isRecorded(found.filter(({ path }) => !isShared(path, shared)))) return;
  const own = (await readList()).filter(({ path }) => !isShared(path, shared));
  const named = namedPaths(own);
  const unnamed = found.flatMap(({ path }) => (named.has(path) ? [] : [highestUnnamed(path, named)]));
  for (const path of new Set(unnamed)) await rm(join(root, path), { recursive: true, force: true });
  if (unnamed.length > 0 && isRecorded(found.filter(({ path }) => named.has(path)))) return;
  const isLater = await nextTick(folder);
  const before = recordOf(await scanRelease(root));
  await verifyTree(root, own);
  const after = recordOf(await scanRelease(root));
  // What was written while it was read is not vouched for.
  if (isLater && before.equals(after)) await writeTreeRecord(folder, artifactId, after);
}

/**
 * Remembers a tree whose every byte was checked while it was made, or vouched for by the record of another tree, and that nobody has used
 * since. `links` are its files that are another tree's too: what was written to one since is not vouched for, and what linking changed of
 * other trees' files is noted in their records.
 */
export async function recordTree({ folder, artifactId, shared }: KeptTree, links: LinkedFiles): Promise<void> {
  if (!(await nextTick(folder))) return;
  const found = await scanRelease(folder.release(artifactId));
  const own = found.filter(({ path }) => !isShared(path, shared));
  await writeTreeRecord(folder, artifactId, links.recordOf(own));
  await refreshRecords(folder, links);
}
