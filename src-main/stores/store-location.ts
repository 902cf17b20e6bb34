/** Owns the reading of a store's URL: which kind of store it names, and where. A URL holds no credentials. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DomainError } from '../contract/errors.ts';
import { filesystemRoot } from './filesystem-root.ts';

export type CloudKind = 'gcs' | 's3' | 'azure';

export type StoreLocation =
  | { readonly kind: 'filesystem'; readonly root: string }
  | {
      readonly kind: CloudKind;
      /** The bucket; Azure's container. */
      readonly bucket: string;
      /** In front of every key: empty, or without a slash at its start and with one at its end. */
      readonly prefix: string;
      /** The base URL of a compatible server or an emulator; null for the provider's own. */
      readonly endpoint: string | null;
      /** The provider's name of the bucket's location, such as `eu-central-1`; null where it is asked for. */
      readonly region: string | null;
      /** Azure's storage account; null for the others. */
      readonly account: string | null;
    };

export type StoreKind = StoreLocation['kind'];

/** What a person calls it. */
export const storeLabels: Readonly<Record<StoreKind, string>> = {
  filesystem: 'Folder',
  gcs: 'Google Cloud Storage',
  s3: 'Amazon S3',
  azure: 'Azure Blob Storage',
};

const schemes: Readonly<Record<string, CloudKind>> = { 'gs:': 'gcs', 's3:': 's3', 'azure:': 'azure', 'az:': 'azure' };

/** Bucket and container names of the three providers, in what they have in common. */
const bucketName = /^[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]$/;
const accountName = /^[a-z0-9]{3,24}$/;
const regionName = /^[a-z0-9-]{1,40}$/;

const examples =
  'file:///srv/blobs, gs://bucket/prefix, s3://bucket/prefix?region=eu-central-1 or azure://account/container';

/** A URL without the user and password that may be in it, at most 200 characters, for messages. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/i, '$1').slice(0, 200);
}

function invalid(url: string, problem: string): DomainError {
  const shown = withoutCredentials(url);
  return new DomainError(
    'store.url_invalid',
    `${JSON.stringify(shown)} is not the URL of a store: ${problem}. Give one such as ${examples}.`,
    { url: shown },
  );
}

function readEndpoint(url: string, value: string | null): string | null {
  if (value === null) return null;
  const endpoint = URL.parse(value);
  if (
    !endpoint ||
    !['http:', 'https:'].includes(endpoint.protocol) ||
    endpoint.username !== '' ||
    endpoint.search !== ''
  ) {
    throw invalid(url, 'its endpoint is not an http or https address without credentials');
  }
  return endpoint.href.replace(/\/+$/, '');
}

function readCloud(url: string, parsed: URL, kind: CloudKind): StoreLocation {
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid(url, 'it holds credentials, which are kept apart');
  if (parsed.hash !== '' || parsed.port !== '') throw invalid(url, 'a bucket has no port and no fragment');
  const known = kind === 's3' ? ['endpoint', 'region'] : ['endpoint'];
  const extra = [...parsed.searchParams.keys()].find(name => !known.includes(name));
  if (extra !== undefined)
    throw invalid(url, `${JSON.stringify(extra)} is not one of its settings (${known.join(', ')})`);
  const path = decodeURIComponent(parsed.pathname).split('/').filter(Boolean);
  if (path.some(segment => segment === '.' || segment === '..' || /\p{C}/u.test(segment))) {
    throw invalid(url, 'its path has segments that no key has');
  }
  const account = kind === 'azure' ? parsed.hostname : null;
  const bucket = kind === 'azure' ? (path.shift() ?? '') : parsed.hostname;
  if (account !== null && !accountName.test(account)) throw invalid(url, 'the account name is missing or malformed');
  if (!bucketName.test(bucket)) throw invalid(url, 'the name of the bucket or container is missing or malformed');
  const region = parsed.searchParams.get('region');
  if (region !== null && !regionName.test(region)) throw invalid(url, 'its region is malformed');
  const endpoint = readEndpoint(url, parsed.searchParams.get('endpoint'));
  return { kind, bucket, prefix: path.length === 0 ? '' : `${path.join('/')}/`, endpoint, region, account };
}

/** One spelling for one store, so that what is kept under its URL is found again. Throws `store.url_invalid`. */
export function canonicalStoreUrl(url: string): string {
  const location = locateStore(url);
  if (location.kind === 'filesystem') return pathToFileURL(location.root).href;
  const { kind, bucket, prefix, endpoint, region, account } = location;
  const place = [account, bucket, prefix.replace(/\/$/, '')].filter(Boolean).join('/');
  const settings = new URLSearchParams({
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
  }).toString();
  const scheme = { gcs: 'gs', s3: 's3', azure: 'azure' }[kind];
  return `${scheme}://${place}${settings === '' ? '' : `?${settings}`}`;
}

/** What a store URL names, without opening it. Throws `store.url_invalid`. */
export function locateStore(url: string): StoreLocation {
  if (isAbsolute(url)) return { kind: 'filesystem', root: filesystemRoot(url) };
  const parsed = URL.parse(url);
  if (parsed === null) throw invalid(url, 'it is neither an absolute path nor a URL');
  if (parsed.protocol === 'file:') return { kind: 'filesystem', root: filesystemRoot(url) };
  const kind = schemes[parsed.protocol];
  if (kind === undefined) throw invalid(url, `nothing here reads ${parsed.protocol}//`);
  return readCloud(url, parsed, kind);
}
