/** Owns how a remote is opened: which login goes to which host, and how it is carried. Knows no database. */
import { DomainError } from '../contract/errors.ts';

/** What is sent as HTTP basic authentication. */
export interface GitLogin {
  readonly user: string;
  readonly token: string;
}

/** What one fetch may take. */
export interface FetchBounds {
  /** On the disk, as it is packed. */
  readonly maxBytes: number;
  /** How long nothing of it may arrive. */
  readonly stallMs: number;
  /** How often the disk is looked at. */
  readonly lookEveryMs: number;
}

export interface RemoteAccess {
  /** What a person gave for the URL's host; null where nothing is to be sent. Throws `secret.key_unreadable`, `git.auth_failed`. */
  loginFor(url: string): Promise<GitLogin | null>;
  /** Where the keys of ssh servers are noted; null for the person's own file alone. */
  readonly knownHostsFile: string | null;
  /** What one fetch may take; the usual without. */
  fetchBounds?(): Promise<FetchBounds>;
}

/** Opens what is open to everybody. */
export const anonymous: RemoteAccess = { loginFor: async () => null, knownHostsFile: null };

const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);

/** Whether a login may go there: over https, or to this machine. */
export function mayCarryLogin(url: string): boolean {
  const parsed = URL.parse(url);
  if (parsed === null) return false;
  return parsed.protocol === 'https:' || (/^(http|svn):$/.test(parsed.protocol) && isLoopback(parsed.hostname));
}

/** `host` or `host:port` of an http(s) or svn URL, as logins are kept by; null for other addresses. */
export function accessHostOf(url: string): string | null {
  const parsed = URL.parse(url);
  return parsed !== null && /^(https?|svn):$/.test(parsed.protocol) ? parsed.host : null;
}

/** The host that a person names, alone or in a URL. Throws `input.invalid`. */
export function parseAccessHost(input: string): string {
  const text = input.trim();
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  if (url !== null && url.username === '' && url.password === '' && url.host !== '' && !/[\s@\\]/.test(text)) {
    return url.host;
  }
  throw new DomainError('input.invalid', 'Name a host, such as github.com or git.example.com:8443.', { field: 'host' });
}

/**
 * The user name that a forge wants beside a token. Sources: GitHub's "Authenticating as an installation", GitLab's "Clone using a token"
 * and Bitbucket's "Using access tokens"; Gitea and most others take any name.
 */
export function defaultUser(host: string): string {
  if (/(^|\.)github\./.test(host)) return 'x-access-token';
  if (/(^|\.)gitlab\./.test(host)) return 'oauth2';
  if (/(^|\.)bitbucket\./.test(host)) return 'x-token-auth';
  return 'git';
}

/** The value of the Authorization header. Source: RFC 7617. */
export function authorizationOf({ user, token }: GitLogin): string {
  return `Basic ${Buffer.from(`${user}:${token}`, 'utf8').toString('base64')}`;
}
