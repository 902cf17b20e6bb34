/** Owns the lock files of the npm registry's clients: npm, pnpm and Yarn. Pure text; what it cannot read it leaves out. */
import { z } from 'zod';
import { type Component, componentOf, integrityHashes } from './component.ts';

const text = z.string().optional().catch(undefined);
const packageSchema = z.object({
  name: text,
  version: text,
  integrity: text,
  link: z.boolean().optional().catch(undefined),
});
type OldDependency = { version?: string | undefined; integrity?: string | undefined; dependencies?: unknown };
const oldDependencySchema = z.object({ version: text, integrity: text, dependencies: z.unknown().optional() });
const mapSchema = z.record(z.string(), z.unknown());
const lockSchema = z.object({ packages: mapSchema.optional(), dependencies: mapSchema.optional() });
const inModules = 'node_modules/';

function isRegistryVersion(version: string | undefined): version is string {
  return version !== undefined && /^\d/.test(version);
}

/**
 * `package-lock.json` and `npm-shrinkwrap.json` of every version.
 * Source: https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json. Throws where it is no such JSON.
 */
export function readNpmLock(source: string): (Component | null)[] {
  const lock = lockSchema.parse(JSON.parse(source));
  if (lock.packages === undefined) return readOldNpmLock(lock.dependencies ?? {});
  return Object.entries(lock.packages).map(([path, value]) => {
    const at = path.lastIndexOf(inModules);
    const found = packageSchema.safeParse(value);
    // Without the folder it is a workspace, and a link leads to one: the sources themselves.
    if (at < 0 || !found.success || found.data.link === true) return null;
    const { version, integrity, name = path.slice(at + inModules.length) } = found.data;
    return isRegistryVersion(version) ? componentOf('npm', name, version, integrityHashes(integrity)) : null;
  });
}

/** Version 1 nests what is installed twice. Walked without recursion: a hostile file nests as deep as it likes. */
function readOldNpmLock(dependencies: Record<string, unknown>): (Component | null)[] {
  const components: (Component | null)[] = [];
  const waiting: Record<string, unknown>[] = [dependencies];
  for (let level = waiting.pop(); level !== undefined; level = waiting.pop()) {
    for (const [name, value] of Object.entries(level)) {
      const found = oldDependencySchema.safeParse(value);
      if (!found.success) continue;
      const { version, integrity, dependencies: below }: OldDependency = found.data;
      if (isRegistryVersion(version)) components.push(componentOf('npm', name, version, integrityHashes(integrity)));
      const inner = mapSchema.safeParse(below);
      if (inner.success) waiting.push(inner.data);
    }
  }
  return components;
}

/** `"name"` or `'name'` without its quotes. */
function unquoted(word: string): string {
  return /^(["']).*\1$/s.test(word) ? word.slice(1, -1) : word;
}

/** `@scope/name@rest` as name and rest. */
function splitAtVersion(word: string): readonly [string, string] | null {
  const at = word.indexOf('@', 1);
  return at < 0 ? null : [word.slice(0, at), word.slice(at + 1)];
}

/**
 * `pnpm-lock.yaml` of versions 5 to 9: the keys of `packages`, each with its integrity. Read by lines, in the one form that pnpm
 * writes, since a YAML parser needs seconds for a large one.
 */
export function readPnpmLock(source: string): (Component | null)[] {
  const components: (Component | null)[] = [];
  let section = '';
  let key: string | null = null;
  let integrity: string | undefined;
  const end = () => {
    if (key !== null) components.push(pnpmPackage(key, integrity));
    key = null;
    integrity = undefined;
  };
  for (const line of source.split('\n')) {
    if (/^\S/.test(line)) {
      end();
      section = line.trimEnd();
    } else if (section === 'packages:' && /^ {2}\S.*:\s*$/.test(line)) {
      end();
      key = unquoted(line.trim().slice(0, -1));
    } else if (key !== null) {
      integrity ??= /\bintegrity: ([A-Za-z0-9+/=-]+)/.exec(line.slice(0, 1_000))?.[1];
    }
  }
  end();
  return components;
}

function pnpmPackage(key: string, integrity: string | undefined): Component | null {
  // The peers that it was resolved with: `(react@19.0.0)`, in version 5 `_react@19.0.0`.
  const [bare = ''] = key.replace(/^\//, '').split('(', 1);
  const old = /^((?:@[^/@]+\/)?[^/@]+)\/(\d[^/_]*)/.exec(bare);
  const [name = '', version = ''] = key.startsWith('/') && old ? old.slice(1) : (splitAtVersion(bare) ?? []);
  return isRegistryVersion(version) ? componentOf('npm', name, version, integrityHashes(integrity)) : null;
}

/**
 * `yarn.lock` of Yarn 1 and of its successors. The checksum that the latter write is of an archive of their own, and is left out.
 * Source: https://github.com/yarnpkg/yarn/blob/master/src/lockfile/parse.js
 */
export function readYarnLock(source: string): (Component | null)[] {
  const components: (Component | null)[] = [];
  let name: string | null = null;
  let fields = new Map<string, string>();
  const end = () => {
    if (name !== null) components.push(yarnPackage(name, fields));
    name = null;
    fields = new Map();
  };
  for (const line of source.split('\n')) {
    if (line.startsWith('#')) continue;
    if (/^\S.*:\s*$/.test(line)) {
      end();
      const [first = ''] = line.trim().slice(0, -1).split(', ', 1);
      name = splitAtVersion(first.replaceAll('"', ''))?.[0] ?? null;
      continue;
    }
    const field = /^ {2}(version|integrity|resolution):? (\S.*)$/.exec(line);
    if (field?.[1] !== undefined && field[2] !== undefined) fields.set(field[1], unquoted(field[2].trim()));
  }
  end();
  return components;
}

function yarnPackage(name: string, fields: ReadonlyMap<string, string>): Component | null {
  const version = fields.get('version');
  const resolution = fields.get('resolution');
  const resolved = resolution === undefined ? null : splitAtVersion(resolution);
  // A workspace, a link or a patched copy of a package that has an entry of its own.
  if (resolution !== undefined && resolved?.[1].startsWith('npm:') !== true) return null;
  if (!isRegistryVersion(version)) return null;
  return componentOf('npm', resolved?.[0] ?? name, version, integrityHashes(fields.get('integrity')));
}
