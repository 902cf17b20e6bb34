/**
 * Owns the lock files that are TOML: of Cargo, Poetry and uv. Reads them by lines, in the one form that these tools write (a table
 * `[[package]]`, one key on each line), which a TOML parser is not needed for; what a person formatted otherwise is left out.
 */
import { type Component, componentOf, hexHash, type PackageHash, type PackageType } from './component.ts';

interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly checksum: string | undefined;
  /** The value of `source` as it stands there. */
  readonly source: string | undefined;
  /** SHA-256 digests of the files that may be installed. */
  readonly digests: readonly string[];
}

const field = /^(name|version|checksum|source) = (.+)$/;

function* lockedPackages(text: string): Generator<LockedPackage> {
  let fields: Map<string, string> | null = null;
  let digests: string[] = [];
  let isInner = false;
  const packageOf = (from: ReadonlyMap<string, string>): LockedPackage => ({
    name: unquoted(from.get('name') ?? ''),
    version: unquoted(from.get('version') ?? ''),
    checksum: from.has('checksum') ? unquoted(from.get('checksum') ?? '') : undefined,
    source: from.get('source'),
    digests,
  });
  for (const line of text.split('\n')) {
    const trimmed = line.trimEnd();
    if (/^\[/.test(trimmed)) {
      if (trimmed === '[[package]]' || !trimmed.startsWith('[package.')) {
        if (fields !== null) yield packageOf(fields);
        fields = trimmed === '[[package]]' ? new Map() : null;
        digests = [];
        isInner = false;
      } else {
        // `[package.source]` of Poetry: where it is from, if not from the registry.
        isInner = true;
        if (trimmed === '[package.source]') fields?.set('source', 'table');
      }
      continue;
    }
    if (fields === null) continue;
    const [, key, value] = (isInner ? null : field.exec(trimmed)) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
    else if (digests.length < 2) {
      for (const [, digest] of trimmed.matchAll(/"sha256:([0-9a-f]{64})"/g)) {
        if (digest !== undefined) digests.push(digest);
      }
    }
  }
  if (fields !== null) yield packageOf(fields);
}

function unquoted(value: string): string {
  return /^"[^"\\]*"$/.test(value) ? value.slice(1, -1) : '';
}

function read(
  text: string,
  type: PackageType,
  accept: (item: LockedPackage) => readonly (PackageHash | null)[] | null,
): (Component | null)[] {
  const components: (Component | null)[] = [];
  for (const item of lockedPackages(text)) {
    const hashes = accept(item);
    if (hashes !== null) components.push(componentOf(type, item.name, item.version, hashes));
  }
  return components;
}

/** Where there are several files (one for each platform), no hash is the package's own. */
function onlyDigest({ digests }: LockedPackage): (PackageHash | null)[] {
  return digests.length === 1 ? [hexHash('SHA-256', digests[0])] : [];
}

/** `Cargo.lock`; a package without `source` is the workspace's own. Source: doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock". */
export function readCargoLock(text: string): (Component | null)[] {
  return read(text, 'cargo', item => (item.source === undefined ? null : [hexHash('SHA-256', item.checksum)]));
}

/** `poetry.lock`. Source: https://python-poetry.org/docs/basic-usage/ */
export function readPoetryLock(text: string): (Component | null)[] {
  return read(text, 'pypi', onlyDigest);
}

/** `uv.lock`; an editable, virtual or local source is the project itself. Source: https://docs.astral.sh/uv/concepts/projects/layout/ */
export function readUvLock(text: string): (Component | null)[] {
  return read(text, 'pypi', item => (/^\{ (?:registry|url|git) =/.test(item.source ?? '') ? onlyDigest(item) : null));
}
