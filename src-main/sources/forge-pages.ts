/** Owns which repository a forge's web page belongs to: what a person copies from the browser, or names in short. */

/** Their repositories are always the first two parts of a path, whatever page follows. */
const twoPartHosts = new Set(['github.com', 'www.github.com', 'bitbucket.org', 'codeberg.org', 'gitea.com']);
/** Addresses that browsers show without a scheme. */
const knownHosts = /^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|gitea\.com)\//i;

/** Pages of servers that anybody may run; the rest of their paths could be a repository's own. */
const pages: readonly RegExp[] = [
  // GitLab, with groups within groups.
  /^(\/.+?)\/-\/(?:[a-z_]+)(?:\/|$)/,
  // Azure DevOps: the page is in the query.
  /^(\/.+?\/_git\/[^/]+)(?:\/|$)/,
  // GitHub Enterprise, Gitea and Forgejo.
  /^(\/[^/]+\/[^/]+)\/(?:tree|blob)\/[^/]+(?:\/|$)/,
  /^(\/[^/]+\/[^/]+)\/(?:src|commits|raw)\/(?:branch|commit|tag)\/[^/]+/,
  /^(\/[^/]+\/[^/]+)\/commit\/[0-9a-f]{7,64}$/,
  /^(\/[^/]+\/[^/]+)\/(?:issues|pulls?|releases\/tag)\/[^/]+$/,
];

export interface RepositoryPath {
  readonly path: string;
  /** The address is that of a page: its query is the page's, and no part of the repository's. */
  readonly isPage: boolean;
}

/** The repository's part of an http(s) address; the whole path where it is no page that we know. */
export function repositoryPathOf(url: URL): RepositoryPath {
  const twoParts = twoPartHosts.has(url.hostname) ? /^\/[^/]+\/[^/]+/.exec(url.pathname) : null;
  if (twoParts !== null) return { path: twoParts[0], isPage: true };
  // Bitbucket Data Center clones from another path than it shows. Source: its "Clone" button.
  const stash = /^(.*)\/(projects|users)\/([^/]+)\/repos\/([^/]+)(?:\/|$)/.exec(url.pathname);
  if (stash !== null) {
    const [, before = '', kind, owner = '', name = ''] = stash;
    return { path: `${before}/scm/${kind === 'users' ? '~' : ''}${owner}/${name}.git`, isPage: true };
  }
  for (const page of pages) {
    const path = page.exec(url.pathname)?.[1];
    if (path !== undefined) return { path, isPage: true };
  }
  return { path: url.pathname, isPage: false };
}

/** The https address of `owner/name` on GitHub, or of a known forge's page without its scheme; null for anything else. */
export function expandShortName(text: string): string | null {
  if (knownHosts.test(text)) return `https://${text}`;
  // Source: the names that GitHub gives: letters, digits and single dashes; letters, digits, dots, dashes and underscores.
  const short = /^([a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38})\/([\w.-]{1,100})$/i.exec(text);
  const [, owner, name] = short ?? [];
  if (owner === undefined || name === undefined || /^\.{1,2}$/.test(name)) return null;
  return `https://github.com/${owner}/${name}`;
}
