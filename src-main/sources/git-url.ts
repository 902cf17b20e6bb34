/** Owns what a person may write to name a Git repository, and what is refused before anything is contacted. */
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../contract/errors.ts';
import { expandShortName, repositoryPathOf } from './forge-pages.ts';
import { looksLikeSsh, parseSshAddress } from './ssh-address.ts';

export interface GitLocation {
  readonly transport: 'http' | 'ssh' | 'file';
  /** An http(s) URL without credentials, an ssh address, or an absolute path. Parsing it again gives the same. */
  readonly url: string;
  /** A suggestion: the last part of the URL, without `.git`. */
  readonly name: string;
}

const maxLength = 2_048;
const maxNameLength = 100;
const accepted =
  'Use an https:// or http:// address, git@host:path or ssh://, owner/name for GitHub, or the absolute path of a repository on this machine.';

/**
 * Reads an http(s), ssh or file:// URL, ssh shorthand, `owner/name` of GitHub, the address of a forge's web page, an absolute local path
 * (`~` is the home folder), or a pasted `git clone …`.
 *
 * Throws `git.url_invalid`. What is refused, and why: `ext::…` and its like run commands (git-remote-ext(1)); what begins
 * with a dash is an option to git, and a host or user that does is one to ssh; a password in a URL would end up in logs.
 */
export function parseGitUrl(input: string): GitLocation {
  const text = unquote(fromCloneCommand(input.trim()));
  if (text === '') throw refused(`No repository is named. ${accepted}`);
  if (text.length > maxLength) throw refused(`The address is longer than ${maxLength} characters. ${accepted}`);
  if (/\p{Cc}/u.test(text)) {
    throw refused(`The address contains a line break or another control character. Paste it again without.`);
  }
  if (text.startsWith('-'))
    throw refused(`"${text}" begins with a dash, so Git would read it as an option. ${accepted}`);
  if (/^[a-z][a-z0-9+.-]*::/i.test(text)) {
    throw refused(`"${text}" names a remote helper, which could run any command. ${accepted}`);
  }
  if (/^https?:\/\//i.test(text)) return parseHttp(text);
  if (/^file:/i.test(text)) return fromPath(pathOfFileUrl(text));
  if (text === '~' || text.startsWith('~/')) return fromPath(join(homedir(), text.slice(1)));
  if (isAbsolute(text)) return fromPath(text);
  if (looksLikeSsh(text)) return parseSsh(text);
  const expanded = expandShortName(text);
  if (expanded !== null) return parseHttp(expanded);
  throw refused(unsupported(text));
}

function refused(message: string): DomainError {
  return new DomainError('git.url_invalid', message, { field: 'url' });
}

/** The first word of a pasted `git clone …` that is no option and no option's value. */
function fromCloneCommand(text: string): string {
  const command = /^(?:git|gh\s+repo|glab\s+repo)\s+clone\s+(.*)$/s.exec(text);
  if (command === null) return text;
  const words = command[1]?.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  return words.find(word => /^["']?([a-z][a-z0-9+.-]*:|\/|~|[a-z]:\\|[\w.-]+@)/i.test(word)) ?? words[0] ?? '';
}

function unquote(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

function unsupported(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null) return `Slipway does not read ${scheme[1]}:// addresses. ${accepted}`;
  return `"${text}" is not an address that Slipway can read. ${accepted}`;
}

function parseHttp(text: string): GitLocation {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refused(`The address is not a valid URL. ${accepted}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(
      `The address of ${url.host} contains a user name or a password, which would show in logs and lists. Remove it, and give them once for the host instead: slipway git access set ${url.host}`,
    );
  }
  if (/\s/.test(text)) throw refused(`The address of ${url.host} contains a space. ${accepted}`);
  const { path: whole, isPage } = repositoryPathOf(url);
  if (url.search !== '' && !isPage) {
    throw refused(
      `The address ${url.origin}${url.pathname} has a "?" part, which a repository's address has not. Remove it.`,
    );
  }
  const path = whole.replace(/\/+$/, '');
  if (path === '') throw refused(`${url.origin} names a server, not a repository. Add the repository's path.`);
  return { transport: 'http', url: `${url.origin}${path}`, name: suggestName(path.replace(/\/\.git$/i, '')) };
}

/** Throws where a part of it could be an option, or stands for something else after git has decoded it. */
function parseSsh(text: string): GitLocation {
  if (/^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(text)) {
    throw refused(
      'The ssh address contains a password, which would show in logs and lists. Remove it; ssh uses your keys.',
    );
  }
  const address = parseSshAddress(text);
  if (address === null) {
    throw refused(
      `"${text}" is no ssh address that Slipway passes on. Write it as git@host:path or ssh://git@host:port/path, without spaces, with no dash in front of user, host or path.`,
    );
  }
  return { transport: 'ssh', url: address.url, name: suggestName(address.path.replace(/\/\.git$/i, '')) };
}

function pathOfFileUrl(text: string): string {
  try {
    const url = new URL(text);
    if (url.hostname !== '' && url.hostname !== 'localhost') throw new Error('a host');
    url.hostname = '';
    const path = fileURLToPath(url);
    if (path.includes('\0')) throw new Error('a NUL');
    return path;
  } catch {
    throw refused(`"${text}" does not name a file on this machine. Write it as file:///absolute/path.`);
  }
}

function fromPath(path: string): GitLocation {
  const normal = normalize(path);
  const trimmed = normal.replace(sep === '/' ? /(?<=.)\/+$/ : /(?<=.)[/\\]+$/, '');
  const named = basename(trimmed) === '.git' ? dirname(trimmed) : trimmed;
  return { transport: 'file', url: trimmed, name: suggestName(named) };
}

function suggestName(path: string): string {
  let name = basename(path.replace(/\\/g, '/')).replace(/\.git$/i, '');
  try {
    name = decodeURIComponent(name);
  } catch {
    // A stray percent sign is part of the name.
  }
  const printable = name.replace(/[\p{Cc}\p{Cf}/\\]/gu, '').trim();
  return printable.slice(0, maxNameLength) || 'repository';
}
