/** Owns the lock files of Go, pip, Pipenv, Composer, Bundler and Mix. Pure text; what it cannot read it leaves out. */
import { z } from 'zod';
import { type Component, componentOf, hexHash } from './component.ts';

/**
 * `go.sum`: every module whose content was downloaded; a line for a `go.mod` alone is no component. Its `h1:` is of a list of files,
 * and so no hash of the package that CycloneDX knows. Source: https://go.dev/ref/mod#go-sum-files
 */
export function readGoSum(text: string): (Component | null)[] {
  return text.split('\n').map(line => {
    const [path = '', version = '', digest = ''] = line.trim().split(' ');
    return digest.startsWith('h1:') && !version.endsWith('/go.mod') ? componentOf('golang', path, version) : null;
  });
}

/** Pins of a `requirements.txt`: `name[extra]==1.2 ; marker --hash=sha256:…`. Source: pip, "Requirements File Format". */
export function readRequirements(text: string): (Component | null)[] {
  return text
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .map(line => {
      const pin = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;,#*]+)(?![*])(?:([\s;,#].*)|$)/.exec(
        line.trim().slice(0, 20_000),
      );
      if (pin?.[1] === undefined || pin[2] === undefined) return null;
      const digests = [...(pin[3] ?? '').matchAll(/--hash=sha256:([0-9a-f]{64})/g)].map(match => match[1]);
      return componentOf('pypi', pin[1], pin[2], digests.length === 1 ? [hexHash('SHA-256', digests[0])] : []);
    });
}

const pipfileSchema = z
  .object({ default: z.record(z.string(), z.unknown()), develop: z.record(z.string(), z.unknown()) })
  .partial();
const pipfileEntrySchema = z.object({ version: z.string(), hashes: z.array(z.string()).default([]) });

/** `Pipfile.lock`. Source: https://github.com/pypa/pipfile. Throws where it is no such JSON. */
export function readPipfileLock(text: string): (Component | null)[] {
  const lock = pipfileSchema.parse(JSON.parse(text));
  return [...Object.entries(lock.default ?? {}), ...Object.entries(lock.develop ?? {})].map(([name, value]) => {
    const entry = pipfileEntrySchema.safeParse(value);
    if (!entry.success || !entry.data.version.startsWith('==')) return null;
    const [only, ...others] = entry.data.hashes;
    const hashes = others.length === 0 ? [hexHash('SHA-256', only?.replace(/^sha256:/, ''))] : [];
    return componentOf('pypi', name, entry.data.version.slice(2), hashes);
  });
}

const composerPackageSchema = z.object({
  name: z.string(),
  version: z.string(),
  dist: z.object({ shasum: z.string().optional() }).nullish().catch(null),
});
const composerSchema = z.object({ packages: z.array(z.unknown()), 'packages-dev': z.array(z.unknown()) }).partial();

/** `composer.lock`. Source: https://getcomposer.org/doc/01-basic-usage.md. Throws where it is no such JSON. */
export function readComposerLock(text: string): (Component | null)[] {
  const lock = composerSchema.parse(JSON.parse(text));
  return [...(lock.packages ?? []), ...(lock['packages-dev'] ?? [])].map(value => {
    const entry = composerPackageSchema.safeParse(value);
    if (!entry.success) return null;
    return componentOf('composer', entry.data.name, entry.data.version, [hexHash('SHA-1', entry.data.dist?.shasum)]);
  });
}

/**
 * `Gemfile.lock`: the gems of its `GEM` section, with Bundler 2.5 and later their checksums; of a gem with a platform the version
 * alone. Source: https://github.com/rubygems/rubygems, bundler/lib/bundler/lockfile_parser.rb
 */
export function readGemfileLock(text: string): (Component | null)[] {
  const gems: { readonly name: string; readonly version: string }[] = [];
  const checksums = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) section = line.trim();
    const gem = section === 'GEM' ? /^ {4}([^\s(]+) \(([^\s)]+)\)$/.exec(line.trimEnd()) : null;
    if (gem?.[1] !== undefined && gem[2] !== undefined) gems.push({ name: gem[1], version: gem[2] });
    const sum =
      section === 'CHECKSUMS' ? /^ {2}([^\s(]+ \([^\s)]+\)) sha256=([0-9a-f]{64})$/.exec(line.trimEnd()) : null;
    if (sum?.[1] !== undefined && sum[2] !== undefined) checksums.set(sum[1], sum[2]);
  }
  return gems.map(({ name, version }) =>
    componentOf('gem', name, version, [hexHash('SHA-256', checksums.get(`${name} (${version})`))]),
  );
}

/** `mix.lock`: packages of hex.pm, with the checksum of their archive. Source: https://github.com/hexpm/hex, lib/hex/mix.ex */
export function readMixLock(text: string): (Component | null)[] {
  return text.split('\n').map(line => {
    const entry = /^ *"[^"]+": \{:hex, :"?([a-z0-9_]+)"?, "([^"]+)", "[0-9a-f]{64}"/.exec(line);
    if (entry?.[1] === undefined || entry[2] === undefined) return null;
    const outer = /"([0-9a-f]{64})"\},?$/.exec(line.trimEnd().slice(-80));
    return componentOf('hex', entry[1], entry[2], [hexHash('SHA-256', outer?.[1])]);
  });
}
