/** Owns what a Subversion tree fetches from elsewhere: which externals it names, and which of them may be followed at all. */
import { DomainError } from '../contract/errors.ts';
import { parseSvnUrl } from './svn-url.ts';

export interface External {
  /** Where it is put, below the tree's root, with `/`. */
  readonly path: string;
  readonly url: string;
  /** `HEAD`, or `r12`. */
  readonly peg: string;
}

const refused = (line: string, reason: string) =>
  new DomainError(
    'artifact.unsafe_path',
    `The external ${JSON.stringify(line.slice(0, 200))} is not followed: ${reason}.`,
    { external: line.slice(0, 200) },
  );

/**
 * The externals of one folder's property. `folder` is the folder's path below the tree, `folderUrl` its address, `root` the repository's.
 * Both forms are read: `[-r N] URL[@PEG] PATH` and the older `PATH [-r N] URL`. Source: the Subversion book, "Externals Definitions".
 *
 * Throws `artifact.unsafe_path` for a place outside of the tree and for an address that Slipway does not read; one on this
 * machine's disk is followed only from a repository on this machine's disk.
 */
export function parseExternals(
  property: string,
  at: { readonly folder: string; readonly folderUrl: string; readonly root: string },
): External[] {
  const lines = property.split(/\r?\n/).map(line => line.trim());
  return lines.filter(line => line !== '' && !line.startsWith('#')).map(line => parseLine(line, at));
}

function parseLine(
  line: string,
  { folder, folderUrl, root }: { readonly folder: string; readonly folderUrl: string; readonly root: string },
): External {
  const revision = /(?:^|\s)-r\s*(\d{1,10})(?=\s)/.exec(line);
  const words =
    line
      .replace(/(?:^|\s)-r\s*\d{1,10}(?=\s)/, ' ')
      .match(/"[^"]*"|\S+/g)
      ?.map(word => word.replace(/^"(.*)"$/, '$1')) ?? [];
  const [first = '', second = '', ...more] = words;
  if (second === '' || more.length > 0) throw refused(line, 'it is not an address and a path');
  const isAddress = (word: string) => /^([a-z][a-z0-9+.-]*:\/\/|\^\/|\/\/|\/|\.\.\/)/i.test(word);
  const [named, place] = isAddress(first) ? [first, second] : [second, first];
  const at = named.lastIndexOf('@');
  const peg = at > named.lastIndexOf('/') ? named.slice(at + 1) : '';
  const bare = peg === '' && at <= named.lastIndexOf('/') ? named : named.slice(0, at);
  if (peg !== '' && !/^\d{1,10}$/.test(peg) && peg !== 'HEAD') throw refused(line, 'its revision is no number');
  const parts = place.split('/');
  if (place.includes('\\') || parts.some(part => part === '' || part === '.' || part === '..'))
    throw refused(line, 'its place is not below its folder');
  const number = revision?.[1] ?? (peg === 'HEAD' ? '' : peg);
  return {
    path: folder === '' ? place : `${folder}/${place}`,
    url: addressOf(line, bare, folderUrl, root),
    peg: number === '' ? 'HEAD' : `r${Number(number)}`,
  };
}

function addressOf(line: string, named: string, folderUrl: string, root: string): string {
  const scheme = new URL(root).protocol;
  let resolved = named;
  if (named.startsWith('^/')) resolved = `${root}/${named.slice(2)}`;
  else if (named.startsWith('//')) resolved = `${scheme}${named}`;
  else if (named.startsWith('/')) resolved = `${scheme}//${new URL(root).host}${named}`;
  else if (named.startsWith('../')) resolved = new URL(named, `${folderUrl}/`).href;
  let url: string;
  try {
    ({ url } = parseSvnUrl(resolved));
  } catch (error) {
    throw refused(line, error instanceof Error ? error.message : 'its address is not read');
  }
  if (url.startsWith('file:') && scheme !== 'file:')
    throw refused(line, 'it names a file of this machine, from a repository elsewhere');
  return url;
}
