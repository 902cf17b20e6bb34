/** Owns walking a tree on disk in a fixed order. Follows no link and reads no content. */

import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { comparePaths } from './safe-path.ts';

export type ScannedEntry =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly executable: boolean;
      readonly sizeBytes: number;
      readonly identity: string;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'directory'; readonly path: string }
  /** What no artifact can hold, with the reason, for a message. */
  | { readonly kind: 'other'; readonly path: string; readonly reason: 'device, socket or pipe' | 'name is not UTF-8' };

/** What of a tree is wanted. A folder that is taken is taken with all below it, except what is skipped. */
export interface ScanFilter {
  skips(path: string): boolean;
  takes(path: string): boolean;
  /** Whether a folder that is not taken may hold something that is. */
  reachesInto(folder: string): boolean;
}

export const wholeTree: ScanFilter = { skips: () => false, takes: () => true, reachesInto: () => true };

/** How many entries of a folder are looked at together; libuv has four threads for it by default. */
const concurrentStats = 32;

/** Changes whenever the file is replaced or written. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** Windows has no executable bit, and its answers about it mean nothing. */
function isExecutable(stats: BigIntStats): boolean {
  return process.platform !== 'win32' && (stats.mode & 0o100n) !== 0n;
}

/** The names in a folder. Source of the risk: on Linux a name is any bytes but `/` and NUL, and Node would mangle them silently. */
async function namesIn(folder: string): Promise<{ name: string; valid: boolean }[]> {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return (await readdir(folder, { encoding: 'buffer' })).map(bytes => {
    try {
      return { name: strict.decode(bytes), valid: true };
    } catch {
      return { name: bytes.toString('utf8'), valid: false };
    }
  });
}

async function look(absolute: string, relative: string): Promise<ScannedEntry> {
  const stats = await lstat(absolute, { bigint: true });
  if (stats.isDirectory()) return { kind: 'directory', path: relative };
  if (stats.isSymbolicLink()) {
    const target = await readlink(absolute);
    return {
      kind: 'link',
      path: relative,
      target: process.platform === 'win32' ? target.replaceAll('\\', '/') : target,
    };
  }
  if (!stats.isFile()) return { kind: 'other', path: relative, reason: 'device, socket or pipe' };
  return {
    kind: 'file',
    path: relative,
    executable: isExecutable(stats),
    sizeBytes: Number(stats.size),
    identity: identityOf(stats),
  };
}

/**
 * What `filter` takes of the tree below `root`, sorted by the bytes of the path. A folder is an entry only where nothing that
 * is taken lies in it. Throws the file system's own errors, and the signal's reason.
 */
export async function scanTree(root: string, filter: ScanFilter, signal?: AbortSignal): Promise<ScannedEntry[]> {
  const found: ScannedEntry[] = [];

  async function visit(folder: string, takenWhole: boolean): Promise<boolean> {
    const before = found.length;
    const names = await namesIn(path.join(root, folder));
    const wanted = names
      .map(({ name, valid }) => ({ relative: folder === '' ? name : `${folder}/${name}`, name, valid }))
      .filter(({ relative }) => !filter.skips(relative));
    for (let start = 0; start < wanted.length; start += concurrentStats) {
      signal?.throwIfAborted();
      const entries = await Promise.all(
        wanted
          .slice(start, start + concurrentStats)
          .map(({ relative, valid }): ScannedEntry | Promise<ScannedEntry> =>
            valid
              ? look(path.join(root, relative), relative)
              : { kind: 'other', path: relative, reason: 'name is not UTF-8' },
          ),
      );
      for (const entry of entries) {
        const taken = filter.takes(entry.path) || takenWhole;
        if (entry.kind !== 'directory') {
          if (taken) found.push(entry);
        } else if (taken || filter.reachesInto(entry.path)) {
          const filled = await visit(entry.path, taken);
          if (taken && !filled) found.push(entry);
        }
      }
    }
    return found.length > before;
  }

  await visit('', false);
  return found.sort((a, b) => comparePaths(a.path, b.path));
}
