/** Owns what a person may write to name a Subversion repository, and how a path and a revision of it are named to the svn program. */
import { basename, isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DomainError } from '../contract/errors.ts';

export interface SvnLocation {
  /** Without credentials and without a slash at its end. Parsing it again gives the same. */
  readonly url: string;
  readonly name: string;
}

/** The branch of a repository without trunk and branches, or of an address that is a branch itself. */
export const wholeAddress = 'HEAD';

const maxLength = 2_048;
const accepted = 'Use svn://host/path, https://host/path or file:///path, without a user or password in it.';

const refused = (message: string) => new DomainError('git.url_invalid', message, { field: 'url' });

/**
 * Throws `git.url_invalid`. `svn+ssh` and its like start programs that a server's configuration or a URL may choose, so they are refused.
 * Source: the Subversion book, "svnserve, Tunneling over SSH".
 */
export function parseSvnUrl(input: string): SvnLocation {
  const text = input.trim();
  if (/\p{Cc}/u.test(text)) throw refused('The address contains a control character. Paste it again without.');
  if (text.length > maxLength) throw refused(`The address is longer than ${maxLength} characters. ${accepted}`);
  const address = isAbsolute(text) ? pathToFileURL(text).href : text;
  const url = /^(svn|https?|file):\/\//i.test(address) ? URL.parse(address) : null;
  if (url === null) throw refused(`${JSON.stringify(text)} is no Subversion address that Slipway reads. ${accepted}`);
  if (url.username !== '' || url.password !== '') {
    throw refused(
      `The address of ${url.host} contains a user name or a password. Give them once for the host instead: slipway git access set ${url.host}`,
    );
  }
  if (url.search !== '' || url.hash !== '') throw refused(`The address has a "?" or "#" part. ${accepted}`);
  const isFile = url.protocol === 'file:';
  if (isFile ? url.host !== '' : !/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d+)?$/i.test(url.host)) {
    throw refused(`The address names no host that Slipway asks. ${accepted}`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  // Encoded, they would be seen as separators by whoever decodes them.
  if (/%(2f|5c|0[0-9a-f]|1[0-9a-f]|7f)/i.test(path))
    throw refused(`The address hides a separator or a control character. ${accepted}`);
  if (isFile && path === '') throw refused('file:/// names the whole disk, not a repository. Add its path.');
  const decoded = decodeSafely(path);
  return { url: `${url.protocol}//${url.host}${path}`, name: basename(decoded) || url.hostname };
}

function decodeSafely(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refused(`The address has a "%" that stands for nothing. ${accepted}`);
  }
}

/** Whether a path below a Subversion address can be a branch: `trunk`, `branches/2.x`. */
export function isSvnBranch(branch: string): boolean {
  if (branch === '' || branch.length > 255 || /[\p{Cc}\\]/u.test(branch)) return false;
  return branch.split('/').every(part => part !== '' && part !== '.' && part !== '..');
}

/** Whether it is written as revisions of Subversion are here: `r123`. */
export const isSvnRevision = (text: string) => /^r[1-9]\d{0,9}$/.test(text);

/** Of a branch of a repository, without a revision. Throws `input.invalid`. */
export function branchUrl(url: string, branch: string): string {
  if (branch === wholeAddress) return url;
  if (!isSvnBranch(branch)) {
    throw new DomainError('input.invalid', `${JSON.stringify(branch)} is no path of a branch.`, { field: 'branch' });
  }
  return `${url}/${branch.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * As a target of the svn program. The last `@` begins the revision, so one is always there, and what the address has before it is part of
 * the address. Source: the Subversion book, "Peg and Operative Revisions".
 */
export function target(url: string, peg: string): string {
  if (peg !== 'HEAD' && !isSvnRevision(peg)) {
    throw new DomainError(
      'input.invalid',
      `${JSON.stringify(peg.slice(0, 80))} is no Subversion revision, such as r12.`,
      { field: 'revision' },
    );
  }
  return `${url}@${peg === 'HEAD' ? peg : peg.slice(1)}`;
}
