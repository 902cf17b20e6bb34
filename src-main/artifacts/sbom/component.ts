/** Owns what an SBOM says of one package: its package URL, and the hashes that a lock file states. Knows no lock file. */

/** Types of package URLs. Source: github.com/package-url/purl-spec, PURL-TYPES. */
export type PackageType = 'npm' | 'cargo' | 'golang' | 'pypi' | 'composer' | 'gem' | 'hex';

export interface PackageHash {
  /** As CycloneDX names it. */
  readonly alg: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
  /** Lower-case hex. */
  readonly content: string;
}

export interface Component {
  readonly purl: string;
  /** `@scope`, `vendor`, or a Go module's path before its last part. */
  readonly group: string | null;
  readonly name: string;
  readonly version: string;
  readonly hashes: readonly PackageHash[];
}

/** Longer is no name and no version of any registry. */
const maxTextLength = 400;
/** What no registry has in a name or version, and what could say something to a terminal. */
const unspeakable = /[\p{Cc}\p{Cf}\p{Cs}\s]/u;

const hexLength = { 'SHA-1': 40, 'SHA-256': 64, 'SHA-384': 96, 'SHA-512': 128 } as const;

/** One segment of a package URL: percent-encoded, with the colon left as it is. */
function encode(text: string): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.replaceAll('%3A', ':');
}

/** The spelling by which a registry knows a name. */
function canonicalName(type: PackageType, name: string): string {
  switch (type) {
    case 'pypi':
      // Source: PEP 503, "Normalized Names".
      return name.toLowerCase().replace(/[-_.]+/g, '-');
    case 'golang':
    case 'composer':
    case 'hex':
      return name.toLowerCase();
    default:
      return name;
  }
}

/** The component for a name with its namespace (`@scope/name`, `vendor/name`); null where it is no name or version. */
export function componentOf(
  type: PackageType,
  fullName: string,
  version: string,
  hashes: readonly (PackageHash | null)[] = [],
): Component | null {
  const isText = (text: string) => text !== '' && text.length <= maxTextLength && !unspeakable.test(text);
  if (!isText(fullName) || !isText(version)) return null;
  const parts = canonicalName(type, fullName).split('/');
  if (parts.some(part => part === '' || part === '.' || part === '..')) return null;
  const name = parts.at(-1) ?? '';
  const group = parts.length > 1 ? parts.slice(0, -1).join('/') : null;
  const purl = `pkg:${type}/${parts.map(encode).join('/')}@${encode(version)}`;
  return { purl, group, name, version, hashes: hashes.filter(hash => hash !== null) };
}

/** A hash in hex; null where it is none of that length. */
export function hexHash(alg: PackageHash['alg'], text: string | undefined): PackageHash | null {
  if (text === undefined || text.length !== hexLength[alg] || !/^[0-9a-fA-F]+$/.test(text)) return null;
  return { alg, content: text.toLowerCase() };
}

const integrityNames: Readonly<Record<string, PackageHash['alg']>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

/** The hashes of an integrity string such as `sha512-BASE64`. Source: https://www.w3.org/TR/SRI/ */
export function integrityHashes(integrity: string | undefined): (PackageHash | null)[] {
  return (integrity ?? '')
    .slice(0, 1_000)
    .split(' ')
    .map(part => {
      const [name = '', base64 = ''] = part.split(/-(.*)/s);
      const alg = Object.hasOwn(integrityNames, name) ? integrityNames[name] : undefined;
      return alg === undefined ? null : hexHash(alg, Buffer.from(base64, 'base64').toString('hex'));
    });
}
