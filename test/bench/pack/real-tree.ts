/** Owns a tree of real files for the pack bench: libraries, programs and packages of this machine, copied so that nothing changes them. */
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** In this order, each up to its share of the goal; the last ones fill what is left. */
const sources = [
  { folder: resolve(import.meta.dirname, '../../../node_modules'), share: 0.35 },
  { folder: '/usr/lib/x86_64-linux-gnu', share: 0.75 },
  { folder: '/usr/lib', share: 1 },
  { folder: '/usr/share', share: 1 },
  { folder: '/usr/bin', share: 1 },
];
/** One huge file would be a bench of that file. */
const largestFileBytes = 512 * 1024 * 1024;
const plainName = /^[\u0021-\u005b\u005d-\u007e ]+$/;

function* filesBelow(folder: string, relative = ''): Generator<string> {
  const entries = readdirSync(join(folder, relative), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (!plainName.test(entry.name) || /^\.(git|slipway)$/i.test(entry.name)) continue;
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else if (entry.isFile()) yield path;
  }
}

/** Spellings that some file system takes for one are refused by artifacts, so only the first of them is taken. */
class Spellings {
  readonly #seen = new Map<string, string>();

  accepts(path: string): boolean {
    const parts = path.split('/');
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    if (prefixes.some(prefix => (this.#seen.get(prefix.toLowerCase()) ?? prefix) !== prefix)) return false;
    for (const prefix of prefixes) this.#seen.set(prefix.toLowerCase(), prefix);
    return true;
  }
}

export interface RealTree {
  readonly files: number;
  readonly bytes: number;
}

/** Fills the new folder `root` with real files of `goalBytes` together, or a little more; each source is taken again where all are used up. */
export function makeRealTree(root: string, goalBytes: number): RealTree {
  let files = 0;
  let bytes = 0;
  for (let round = 0; bytes < goalBytes; round += 1) {
    const before = bytes;
    for (const [index, { folder, share }] of sources.entries()) {
      const spellings = new Spellings();
      const target = join(root, `round-${round}`, `source-${index}`);
      const limit = before + (goalBytes - before) * share;
      for (const path of readable(folder)) {
        if (bytes >= limit) break;
        const stats = lstatSync(join(folder, path));
        if (stats.size > largestFileBytes || !spellings.accepts(path)) continue;
        mkdirSync(dirname(join(target, path)), { recursive: true });
        copyFileSync(join(folder, path), join(target, path));
        files += 1;
        bytes += stats.size;
      }
    }
    if (bytes === before) throw new Error('This machine has no files to make a tree of.');
  }
  return { files, bytes };
}

function readable(folder: string): Iterable<string> {
  return existsSync(folder) ? filesBelow(realpathSync(folder)) : [];
}
