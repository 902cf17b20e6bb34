/** Owns the reading side of a checkout: its files by path, within bounds, and the beginning of one. Knows no tool and follows no link. */
import { constants, type Dirent, opendirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../contract/errors.ts';

/** Twice what a large repository has; a plan of so many still takes less than a second. */
const maxFiles = 100_000;
/** Folders, and entries of all kinds: links and pipes are no files, and a folder full of them is read to no end. */
const maxEntries = 400_000;
/** Manifests lie near the root. */
const maxDepth = 8;
/** Entries that the system hands over at once. */
const bufferSize = 1_024;

/** What tools write, and what a repository vendors: nothing in them says how this project is built. */
const skippedFolders = new Set([
  '.git',
  '.hg',
  '.svn',
  '.venv',
  '.tox',
  '__pycache__',
  '.build',
  '.bundle',
  '.gradle',
  '.next',
  '.pnpm-store',
  '.stack-work',
  '.terraform',
  '.yarn',
  '.zig-cache',
  'Pods',
  '_build',
  'bower_components',
  'dist-newstyle',
  'node_modules',
  'target',
  'vendor',
  'venv',
]);

/**
 * Regular files below `root` as `/`-separated paths: at most 100,000, eight folders deep, without what tools write. Breadth first,
 * so that the root is whole however large a folder below it is. Reads at once, since a file by a promise costs ten times as much:
 * whoever has an event loop to keep free plans in a thread. A file whose name is not UTF-8 or has a control character is left
 * out: no manifest has one, and no command or message can hold it.
 */
export function listTree(root: string): { readonly files: string[]; readonly limit: string | null } {
  const files: string[] = [];
  let limit: string | null = null;
  let entries = 0;
  let folders = [''];
  for (let depth = 0; folders.length > 0 && limit === null; depth += 1) {
    if (depth > maxDepth) {
      limit = `folders more than ${maxDepth} deep were not looked at`;
      break;
    }
    const below: string[] = [];
    for (const folder of folders) {
      const found = readFolder(join(root, folder), maxEntries - entries);
      entries += found.length;
      for (const entry of found) {
        if (isUnspeakable(entry.name)) continue;
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isFile()) files.push(path);
        else if (entry.isDirectory() && !skippedFolders.has(entry.name)) below.push(path);
      }
      if (entries >= maxEntries || files.length >= maxFiles) {
        limit = `only the first ${Math.min(files.length, maxFiles)} files were looked at`;
        break;
      }
    }
    folders = below;
  }
  return { files: files.slice(0, maxFiles), limit };
}

function readFolder(path: string, limit: number): Dirent[] {
  const entries: Dirent[] = [];
  try {
    const folder = opendirSync(path, { bufferSize });
    try {
      for (let entry = folder.readSync(); entry !== null && entries.length < limit; entry = folder.readSync()) {
        entries.push(entry);
      }
    } finally {
      folder.closeSync();
    }
  } catch (error) {
    // A folder that may not be read, that is gone again, or whose path is too long says nothing of how the project is built.
    if (!['EACCES', 'EPERM', 'ENOENT', 'ENAMETOOLONG'].includes(systemErrorCode(error) ?? '')) throw error;
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function isUnspeakable(name: string): boolean {
  return /[\p{Cc}\u2028\u2029\ufffd]/u.test(name);
}

/** The first `maxBytes` bytes of a file below `root` as text; null where it is no regular file any more, or may not be read. */
export async function readStart(root: string, path: string, maxBytes: number): Promise<string | null> {
  try {
    // Between the listing and now the file may have become a link or a pipe, which must neither be followed nor waited for.
    const handle = await open(
      join(root, path),
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) return null;
      const buffer = Buffer.alloc(Math.min(maxBytes, Math.max(facts.size, 1)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return textOf(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (['EACCES', 'EPERM', 'ENOENT', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return null;
    throw error;
  }
}

/** Windows editors write a byte order mark, and some UTF-16; the tools that read these files take both. */
function textOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}
