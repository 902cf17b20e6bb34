/** Owns whether a release that was kept is whole: every file by its digest, once what programs left beside them is gone. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyTree } from '../artifacts/verify-tree.ts';
import type { FileEntry } from '../contract/documents.ts';
import { isShared } from './shared-paths.ts';

/** Every path that the list names, and the folders above. */
function namedPaths(entries: readonly FileEntry[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { path } of entries) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) named.add(path.slice(0, end));
  }
  return named;
}

async function removeUnnamed(root: string, below: string, named: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    if (!named.has(path)) await rm(join(root, path), { recursive: true, force: true });
    else if ((await lstat(join(root, path))).isDirectory()) await removeUnnamed(root, path, named);
  }
}

/**
 * Makes a kept tree the release's again as far as that needs no byte: what it does not name goes (caches, logs, links to what is
 * shared), then every file is read. Never for the release that runs. Throws `artifact.digest_mismatch` where a file is another.
 */
export async function cleanAndVerify(
  root: string,
  entries: readonly FileEntry[],
  shared: readonly string[],
): Promise<void> {
  const own = entries.filter(entry => !isShared(entry.path, shared));
  await removeUnnamed(root, '', namedPaths(own));
  await verifyTree(root, own);
}
