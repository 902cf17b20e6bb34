/** Owns which paths and link targets an artifact may name. Pure text rules: it never looks at a disk. */
import type { FileEntry } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';

/** macOS allows 1,024 bytes for a whole path (PATH_MAX in sys/syslimits.h); Linux allows more. */
const maximumPathBytes = 1024;
/** The longest file name that ext4, APFS and NTFS all hold. */
const maximumSegmentBytes = 255;
/** Past this a list no longer fits in memory comfortably. */
export const maximumEntries = 1_000_000;
const controlCharacters = /[\p{Cc}--[\u0080-\u009f]]/v;
const driveLetter = /^[A-Za-z]:/;
/** Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const windowsForbidden = /[<>:"|?*]|[. ]$/;
const windowsDevice = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
const printableAscii = /^[\u0020-\u007e]*$/;

function unsafe(path: string, reason: string, remedy: string): DomainError {
  return new DomainError('artifact.unsafe_path', `The path ${JSON.stringify(path)} ${reason}. ${remedy}`, { path });
}

const renameRemedy = 'Rename it, or exclude it from the artifact.';

function assertSafeText(path: string, text: string, what: string): void {
  if (text === '') throw unsafe(path, `has an empty ${what}`, renameRemedy);
  if (!text.isWellFormed()) throw unsafe(path, `has a ${what} that is not valid Unicode`, renameRemedy);
  if (controlCharacters.test(text)) throw unsafe(path, `has a control character in its ${what}`, renameRemedy);
  if (text.includes('\\')) throw unsafe(path, `has a backslash in its ${what}`, renameRemedy);
  if (text.startsWith('/') || driveLetter.test(text)) {
    throw unsafe(path, `has an absolute ${what}`, 'Use a path relative to the root of the tree.');
  }
  if (Buffer.byteLength(text) > maximumPathBytes) {
    throw unsafe(path, `has a ${what} of more than ${maximumPathBytes} bytes`, renameRemedy);
  }
}

/**
 * Refuses a path that could leave the tree, or that some machine could not write as it is.
 *
 * Everywhere: absolute, drive letter, empty, `.` and `..` segments, backslash, control characters, invalid Unicode, more than
 * 1,024 bytes or 255 in one segment. On Windows also what Windows reserves: device names, `<>:"|?*`, a trailing dot or space;
 * elsewhere these are ordinary names (`aux.js`), and a build only goes to machines of its own platform.
 * Throws `artifact.unsafe_path`.
 */
export function assertSafePath(path: string, platform: NodeJS.Platform = process.platform): void {
  assertSafeText(path, path, 'name');
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw unsafe(path, 'has an empty, "." or ".." part', 'Use a plain path below the root of the tree.');
    }
    if (Buffer.byteLength(segment) > maximumSegmentBytes) {
      throw unsafe(path, `has a part of more than ${maximumSegmentBytes} bytes`, renameRemedy);
    }
    if (platform === 'win32' && (windowsForbidden.test(segment) || windowsDevice.test(segment))) {
      throw unsafe(path, 'has a part that Windows reserves', renameRemedy);
    }
  }
}

/**
 * Refuses a link that could lead out of the tree.
 *
 * `..` is allowed at the front only: up from the link's own folder, which is a real folder, it means what it says. After a name
 * it could start from wherever a second link leads, and two harmless-looking links could leave the tree together.
 * Throws `artifact.unsafe_path`.
 */
export function assertSafeLink(path: string, target: string): void {
  assertSafeText(path, target, 'link target');
  const remedy = 'Make it a relative link that stays inside the artifact, replace it by a copy, or exclude it.';
  let depth = path.split('/').length - 1;
  let named = false;
  for (const segment of target.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') {
      named = true;
      continue;
    }
    if (named) throw unsafe(path, `is a link to "${target}", which goes up after a name`, remedy);
    depth -= 1;
    if (depth < 0) throw unsafe(path, `is a link to "${target}", which is outside of the tree`, remedy);
  }
}

/** One spelling for all names that some file system takes for the same: case and Unicode composition are folded. */
function fold(path: string): string {
  return printableAscii.test(path)
    ? path.toLowerCase()
    : path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}

function clash(path: string, other: string): DomainError {
  const problem = `differs from ${JSON.stringify(other)} only in case or Unicode form, and some machines take them for one`;
  return unsafe(path, problem, renameRemedy);
}

/** Refuses names of one folder that differ only in case or Unicode composition. Throws `artifact.unsafe_path`. */
export function assertDistinctNames(folder: string, names: readonly string[]): void {
  const spellings = new Map<string, string>();
  const pathOf = (name: string) => (folder === '' ? name : `${folder}/${name}`);
  for (const name of names) {
    const folded = fold(name);
    const other = spellings.get(folded);
    if (other !== undefined) throw clash(pathOf(name), pathOf(other));
    spellings.set(folded, name);
  }
}

/** Throws `artifact.too_large`. */
export function assertEntryCount(count: number): void {
  if (count <= maximumEntries) return;
  throw new DomainError(
    'artifact.too_large',
    `The artifact has more than ${maximumEntries} files. Exclude what machines do not need.`,
    { entries: count },
  );
}

type NamedEntry = Pick<FileEntry, 'path'> &
  ({ readonly kind: 'file' | 'directory' } | { readonly kind: 'link'; readonly target: string });

/**
 * Refuses a set of entries in which any path or link is unsafe, two paths are the same or differ only in case or Unicode
 * composition (folders included: on macOS and Windows they would be one), or one entry lies below another.
 * Throws `artifact.unsafe_path`, `artifact.too_large`.
 */
export function assertSafeEntries(entries: readonly NamedEntry[], platform: NodeJS.Platform = process.platform): void {
  assertEntryCount(entries.length);
  const open: OpenFolder[] = [];
  for (const entry of inOrder(entries)) {
    const { path } = entry;
    assertSafePath(path, platform);
    if (entry.kind === 'link') assertSafeLink(path, entry.target);
    while (!path.startsWith(open.at(-1)?.prefix ?? '')) open.pop();
    let folder = open.at(-1) ?? { prefix: '', names: new Map() };
    if (open.length === 0) open.push(folder);
    for (let slash = path.indexOf('/', folder.prefix.length); slash > 0; slash = path.indexOf('/', slash + 1)) {
      claim(folder, path, slash);
      folder = { prefix: path.slice(0, slash + 1), names: new Map() };
      open.push(folder);
    }
    claim(folder, path, path.length);
  }
}

/** A folder whose entries are being looked at: what lies in one folder comes in one row, so only those above an entry are kept. */
interface OpenFolder {
  /** With a slash at its end; empty for the root. */
  readonly prefix: string;
  /** By their one spelling. */
  readonly names: Map<string, { readonly name: string; readonly isFolder: boolean }>;
}

/** Takes the name in `folder` that ends at `end` in `path`: an entry's where that is all of it, else a folder's. */
function claim({ prefix, names }: OpenFolder, path: string, end: number): void {
  const name = path.slice(prefix.length, end);
  const isFolder = end < path.length;
  const folded = fold(name);
  const other = names.get(folded);
  if (other === undefined) names.set(folded, { name, isFolder });
  else if (other.name !== name) throw clash(path.slice(0, end), prefix + other.name);
  else if (!isFolder) throw unsafe(path, 'is named twice', 'Name each path once.');
  else if (!other.isFolder) {
    throw unsafe(path, `lies below ${JSON.stringify(path.slice(0, end))}, which is no folder`, renameRemedy);
  }
}

function inOrder<Entry extends NamedEntry>(entries: readonly Entry[]): readonly Entry[] {
  const isSorted = entries.every((entry, index) => comparePaths(entries[index - 1]?.path ?? '', entry.path) <= 0);
  return isSorted ? entries : entries.toSorted((one, other) => comparePaths(one.path, other.path));
}

/** Order of paths by the bytes of their UTF-8, which is code-point order; `<` on strings compares UTF-16 units. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank after every other unit. */
function codePointRank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
