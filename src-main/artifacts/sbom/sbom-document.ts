/** Owns the SBOM's bytes: CycloneDX 1.6 JSON, the same for the same sources. Knows no lock file and no disk. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import { version as slipwayVersion } from '../../domain/version.ts';
import type { Component, PackageHash } from './component.ts';

/** An SBOM is read whole; 100,000 components with two hashes each stay below. */
export const maxSbomBytes = 64 * 1024 * 1024;

/** What several lock files say of one package is one component. */
export interface LockedComponent extends Component {
  /** The lock files that name it, as paths of the sources. */
  readonly lockFiles: readonly string[];
}

export interface Sbom {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, in hex. */
  readonly digest: string;
  readonly componentCount: number;
  /** Lock files that could not be read, each with the reason. */
  readonly problems: readonly string[];
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function distinctHashes(hashes: readonly PackageHash[]): PackageHash[] {
  const found = new Map(hashes.map(hash => [`${hash.alg} ${hash.content}`, hash]));
  return [...found.entries()].sort(([a], [b]) => byText(a, b)).map(([, { alg, content }]) => ({ alg, content }));
}

/** One component for each package URL, sorted by it. */
export function mergeComponents(
  found: readonly { readonly lockFile: string; readonly component: Component }[],
): LockedComponent[] {
  const merged = new Map<string, LockedComponent>();
  for (const { lockFile, component } of found) {
    const before = merged.get(component.purl);
    merged.set(component.purl, {
      ...component,
      hashes: before === undefined ? component.hashes : [...before.hashes, ...component.hashes],
      lockFiles: before === undefined ? [lockFile] : [...before.lockFiles, lockFile],
    });
  }
  return [...merged.values()]
    .map(item => ({
      ...item,
      hashes: distinctHashes(item.hashes),
      lockFiles: [...new Set(item.lockFiles)].sort(byText),
    }))
    .sort((a, b) => byText(a.purl, b.purl));
}

/**
 * The document about `revision` of `name`. It has neither a time nor a serial number, which would differ at each build; what was not
 * read is in its metadata. Source: https://cyclonedx.org/docs/1.6/json/
 */
export function sbomDocument(
  about: { readonly name: string; readonly revision: string },
  components: readonly LockedComponent[],
  problems: readonly string[],
): Sbom {
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', name: 'slipway', version: slipwayVersion }] },
      component: { type: 'application', 'bom-ref': 'sources', name: about.name, version: about.revision },
      properties: problems.map(value => ({ name: 'slipway:unread', value })),
    },
    components: components.map(({ purl, group, name, version, hashes, lockFiles }) => ({
      type: 'library',
      'bom-ref': purl,
      ...(group === null ? {} : { group }),
      name,
      version,
      purl,
      ...(hashes.length === 0 ? {} : { hashes }),
      properties: lockFiles.map(value => ({ name: 'slipway:lockfile', value })),
    })),
  };
  const bytes = Buffer.from(`${JSON.stringify(document, null, 1)}\n`, 'utf8');
  const digest = createHash('sha256').update(bytes).digest('hex');
  return { bytes, digest, componentCount: components.length, problems };
}

const readSchema = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  metadata: z.object({ properties: z.array(z.object({ name: z.string(), value: z.string() })).default([]) }),
  components: z.array(z.object({ purl: z.string().regex(/^pkg:[a-z]+\//), name: z.string(), version: z.string() })),
});

/** What an SBOM of ours lists. Throws `artifact.malformed`. */
export function parseSbom(bytes: Uint8Array): {
  readonly components: readonly { readonly purl: string; readonly name: string; readonly version: string }[];
  readonly unread: readonly string[];
} {
  try {
    const { components, metadata } = readSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    const unread = metadata.properties.filter(item => item.name === 'slipway:unread').map(item => item.value);
    return { components, unread };
  } catch (error) {
    throw new DomainError(
      'artifact.malformed',
      'The SBOM is no CycloneDX 1.6 document of ours. Build the revision again.',
      {},
      { cause: error },
    );
  }
}
