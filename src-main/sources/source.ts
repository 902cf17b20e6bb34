/** Owns the choice between the kinds of sources: which one an address names, and who reads it. Callers know no kind. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../contract/errors.ts';
import type { SourceOptions, Vcs } from '../contract/source-options.ts';
import type { Logger } from '../telemetry/logger.ts';
import { parseGitUrl } from './git-url.ts';
import { type ListRefsOptions, listRefs, type RemoteRefs } from './list-refs.ts';
import { localSignature } from './local-repository.ts';
import { createMirror, type Mirror } from './mirror.ts';
import type { RemoteAccess } from './remote-access.ts';
import { createSvnSource, listSvn, svnSignature } from './svn-source.ts';
import { parseSvnUrl } from './svn-url.ts';

export interface SourceLocation {
  readonly vcs: Vcs;
  readonly url: string;
  readonly name: string;
}

/** Reads an address of the given kind. Throws `git.url_invalid`. */
export function parseSource(input: string, vcs: Vcs): SourceLocation {
  const { url, name } = vcs === 'svn' ? parseSvnUrl(input) : parseGitUrl(input);
  return { vcs, url, name };
}

/** Which kinds an address may be, the likelier first: `svn://` says it, a folder shows it, and an http address is asked. */
async function candidates(input: string): Promise<readonly Vcs[]> {
  const text = input.trim();
  if (/^svn(\+\w+)?:\/\//i.test(text)) return ['svn'];
  if (isAbsolute(text) || /^file:\/\/\//i.test(text)) {
    const folder = isAbsolute(text) ? text : fileURLToPath(parseSvnUrl(text).url);
    // A repository of Subversion, or a path in one, which is nowhere on the disk.
    const isSvn = (await stat(join(folder, 'db/current')).catch(() => null)) !== null;
    const isSomething = isSvn || (await stat(folder).catch(() => null)) !== null;
    return isSvn ? ['svn'] : isSomething ? ['git'] : ['git', 'svn'];
  }
  return /^https?:\/\//i.test(text) ? ['git', 'svn'] : ['git'];
}

/**
 * Looks at an address of the kind `vcs`, or of whatever kind it is found to be. What Git says of an address that is neither is told.
 * Throws as `listRefs` and `listSvn`.
 */
export async function lookAtSource(
  input: string,
  options: { readonly vcs?: Vcs | undefined; readonly timeoutMs: number; readonly access?: RemoteAccess },
): Promise<{ readonly location: SourceLocation; readonly refs: RemoteRefs }> {
  const { vcs, ...rest } = options;
  const [first = 'git', second] = vcs === undefined ? await candidates(input) : [vcs];
  const look = async (kind: Vcs) => {
    const location = parseSource(input, kind);
    return { location, refs: await listSource(kind, { ...rest, url: location.url }) };
  };
  try {
    return await look(first);
  } catch (error) {
    const isOther = error instanceof DomainError && ['git.not_found', 'git.protocol'].includes(error.code);
    if (second === undefined || !isOther) throw error;
    return await look(second).catch(() => {
      throw error;
    });
  }
}

/** Throws as `listRefs` and `listSvn`. */
export function listSource(vcs: Vcs, options: ListRefsOptions): Promise<RemoteRefs> {
  return vcs === 'svn' ? listSvn(options) : listRefs(options);
}

/** What tells without a program whether a branch of a repository on this machine is where it was; null where nothing does. */
export function sourceSignature(vcs: Vcs, url: string, branch: string): Promise<string | null> {
  return vcs === 'svn' ? svnSignature(url) : localSignature(url, branch);
}

export interface OpenSource {
  readonly vcs: Vcs;
  readonly url: string;
  readonly branch: string;
  readonly options: SourceOptions;
  /** Of a Git repository's mirror. */
  readonly folder: string;
  readonly gitPath: string | null;
  readonly logger: Logger;
  readonly access?: RemoteAccess;
}

export function openSource(source: OpenSource): Mirror {
  const { vcs, url, branch, options } = source;
  if (vcs === 'git') return createMirror(source);
  return createSvnSource({
    url,
    branch,
    externals: options.externals,
    ...(source.access === undefined ? {} : { access: source.access }),
  });
}
