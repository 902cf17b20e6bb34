/** Owns which folder the URL of a filesystem store names. */
import { isAbsolute, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../contract/errors.ts';

function invalidUrl(url: string, reason: string): DomainError {
  return new DomainError(
    'store.url_invalid',
    `${JSON.stringify(url)} is not a folder for a store: ${reason}. Give an absolute path such as /srv/blobs, or file:///srv/blobs.`,
    { url },
  );
}

/** The absolute folder that a `file:` URL or an absolute path names. Throws `store.url_invalid`. */
export function filesystemRoot(url: string): string {
  if (url.includes('\0')) throw invalidUrl(url, 'it holds a NUL character');
  let path = url;
  if (!isAbsolute(url)) {
    const parsed = URL.parse(url);
    if (parsed?.protocol !== 'file:') throw invalidUrl(url, 'it is neither a file: URL nor an absolute path');
    if (parsed.search !== '' || parsed.hash !== '')
      throw invalidUrl(url, 'a "?" or "#" in it must be written %3F or %23');
    try {
      path = fileURLToPath(parsed);
    } catch {
      throw invalidUrl(url, 'it names a host or holds an encoded separator');
    }
  }
  const root = resolve(path);
  if (root.includes('\0')) throw invalidUrl(url, 'it holds a NUL character');
  if (root === parse(root).root) throw invalidUrl(url, 'it is the root of a disk');
  return root;
}
