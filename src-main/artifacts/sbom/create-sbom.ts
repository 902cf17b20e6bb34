/** Owns which lock files an SBOM is made of, and how much of them is read. What it cannot read it names; a build never fails by it. */
import type { Component } from './component.ts';
import { readNpmLock, readPnpmLock, readYarnLock } from './npm-locks.ts';
import {
  readComposerLock,
  readGemfileLock,
  readGoSum,
  readMixLock,
  readPipfileLock,
  readRequirements,
} from './other-locks.ts';
import { mergeComponents, type Sbom, sbomDocument } from './sbom-document.ts';
import { readCargoLock, readPoetryLock, readUvLock } from './toml-locks.ts';

type Reader = (text: string) => readonly (Component | null)[];

const readers: readonly { readonly name: RegExp; readonly read: Reader }[] = [
  { name: /^(?:package-lock|npm-shrinkwrap)\.json$/, read: readNpmLock },
  { name: /^pnpm-lock\.yaml$/, read: readPnpmLock },
  { name: /^yarn\.lock$/, read: readYarnLock },
  { name: /^Cargo\.lock$/, read: readCargoLock },
  { name: /^go\.sum$/, read: readGoSum },
  { name: /^poetry\.lock$/, read: readPoetryLock },
  { name: /^uv\.lock$/, read: readUvLock },
  { name: /^Pipfile\.lock$/, read: readPipfileLock },
  { name: /^requirements(?:[-_.][A-Za-z0-9._-]*)?\.txt$/, read: readRequirements },
  { name: /^composer\.lock$/, read: readComposerLock },
  { name: /^Gemfile\.lock$/, read: readGemfileLock },
  { name: /^mix\.lock$/, read: readMixLock },
];

/** The largest lock files of public monorepos have some 10 MB. */
const maxLockBytes = 32 * 1024 * 1024;
const maxLockFiles = 200;
const maxTotalBytes = 128 * 1024 * 1024;
const maxComponents = 100_000;

/** The sources as `create-sbom` sees them. */
export interface LockFileSource {
  /** Regular files as `/`-separated paths. */
  readonly files: readonly string[];
  /** The first `maxBytes` of a file; null where it cannot be read. */
  readText(path: string, maxBytes: number): Promise<string | null>;
}

function readerOf(path: string): Reader | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return readers.find(reader => reader.name.test(name))?.read ?? null;
}

/** The SBOM of the sources of one revision: every package that their lock files pin. The same sources give the same bytes. */
export async function createSbom(
  source: LockFileSource,
  about: { readonly name: string; readonly revision: string },
): Promise<Sbom> {
  const locks = source.files.filter(path => readerOf(path) !== null).toSorted();
  const problems: string[] = [];
  const found: { lockFile: string; component: Component }[] = [];
  const leaveOut = (path: string, reason: string) => problems.push(`${path} ${reason}`);
  let totalBytes = 0;
  for (const path of locks.slice(0, maxLockFiles)) {
    const text = await source.readText(path, maxLockBytes + 1);
    const sizeBytes = text === null ? 0 : Buffer.byteLength(text);
    if (text === null) leaveOut(path, 'cannot be read');
    else if (sizeBytes > maxLockBytes) leaveOut(path, 'is larger than 32 MiB');
    else if (totalBytes + sizeBytes > maxTotalBytes)
      leaveOut(path, 'is beyond the 128 MiB that are read of all lock files');
    else {
      totalBytes += sizeBytes;
      for (const component of componentsIn(path, text, leaveOut)) {
        if (found.length < maxComponents) found.push({ lockFile: path, component });
        else if (found.length === maxComponents) {
          leaveOut(path, 'names more than the 100,000 packages that are listed');
          break;
        }
      }
    }
  }
  if (locks.length > maxLockFiles) problems.push(`${locks.length - maxLockFiles} lock files more than ${maxLockFiles}`);
  return sbomDocument(about, mergeComponents(found), problems);
}

function componentsIn(path: string, text: string, leaveOut: (path: string, reason: string) => void): Component[] {
  try {
    return (readerOf(path)?.(text) ?? []).filter(component => component !== null);
  } catch {
    leaveOut(path, 'is not in the form that its tool writes');
    return [];
  }
}
