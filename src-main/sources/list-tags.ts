/** Owns looking at the tags of a Git repository. Downloads no objects. */
import git from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';
import type { RateLimit } from '../domain/poll-host.ts';
import { withDeadline } from './deadline.ts';
import { findGit, runGit } from './git-cli.ts';
import { gitNeeded, lastLine, protocolError, remoteErrorOf } from './git-errors.ts';
import { openGitHttp } from './git-http.ts';
import { parseGitUrl } from './git-url.ts';
import { findGitFolder } from './local-repository.ts';
import { isBranchName, isRevision } from './ref-names.ts';
import { anonymous, type RemoteAccess } from './remote-access.ts';
import { remoteOptions } from './remote-options.ts';
import { sshErrorOf } from './ssh-program.ts';

const maxAnswerBytes = 16 * 1024 * 1024;
const tagsPrefix = 'refs/tags/';
/** What an annotated tag leads to is listed under this name. Source: gitprotocol-v2(5), peel. */
const peeled = '^{}';

export interface RemoteTags {
  /** In the order of their versions: v2 before v10. */
  readonly tags: readonly { readonly name: string; readonly revision: string }[];
  readonly limit: RateLimit | null;
}

/** Whether a name fits a pattern in which `*` stands for any text. In time that grows with both lengths alone. */
export function matchesPattern(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  let [star, resume] = [-1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/**
 * The tags whose names fit `pattern`, each with the commit that it leads to. Changes nothing; may be repeated.
 *
 * Throws what `listRefs` throws, but for `git.empty`.
 */
export async function listTags(options: {
  readonly url: string;
  readonly pattern: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly access?: RemoteAccess;
}): Promise<RemoteTags> {
  const { pattern, timeoutMs, access = anonymous } = options;
  const location = parseGitUrl(options.url);
  const { transport, url } = location;
  const prefix = `${tagsPrefix}${pattern.slice(0, Math.max(0, pattern.indexOf('*')))}`;

  async function overHttp(signal: AbortSignal) {
    const session = openGitHttp(url, { maxBytes: maxAnswerBytes, signal, login: await access.loginFor(url) });
    try {
      const refs = await git.listServerRefs({ http: session.client, url, prefix, peelTags: true, protocolVersion: 2 });
      session.check();
      if (!session.endedWithFlush()) throw protocolError(url, 'it is cut off');
      return {
        refs: refs.map(({ ref, oid, peeled: leadsTo }) => [ref, leadsTo ?? oid] as const),
        limit: session.limit(),
      };
    } catch (error) {
      session.check();
      throw error instanceof DomainError ? error : protocolError(url, 'no list of tags', error);
    }
  }

  async function byProgram(signal: AbortSignal) {
    if (transport === 'file') await findGitFolder(url);
    const gitPath = await findGit();
    if (gitPath === null) throw gitNeeded(url);
    const result = await runGit(gitPath, {
      verb: 'ls-remote',
      operands: [url, `${tagsPrefix}*`],
      remote: await remoteOptions(location, access),
      signal,
      timeoutMs,
      maxOutputBytes: maxAnswerBytes,
    });
    signal.throwIfAborted();
    if (result.outcome === 'output_too_large') throw protocolError(url, 'its list of tags is too long');
    const stderr = result.stderr.toString('utf8');
    if (result.exitCode !== 0) {
      const fromSsh = transport === 'ssh' ? await sshErrorOf(url, stderr, access.knownHostsFile) : null;
      throw fromSsh ?? remoteErrorOf(url, stderr) ?? protocolError(url, lastLine(stderr));
    }
    const lines = result.stdout.toString('utf8').split('\n');
    return { refs: lines.map(line => [line.split('\t')[1] ?? '', line.split('\t')[0] ?? ''] as const), limit: null };
  }

  const found = await withDeadline({ url, timeoutMs, signal: options.signal }, signal =>
    transport === 'http' ? overHttp(signal) : byProgram(signal),
  );
  const tags = new Map<string, string>();
  for (const [ref, revision] of found.refs) {
    if (!ref.startsWith(tagsPrefix) || !isRevision(revision)) continue;
    const name = ref.slice(tagsPrefix.length);
    const plain = name.endsWith(peeled) ? name.slice(0, -peeled.length) : name;
    // The tag's own line comes first, and the commit's replaces it.
    if (isBranchName(plain) && matchesPattern(pattern, plain)) tags.set(plain, revision);
  }
  const byVersion = new Intl.Collator('en', { numeric: true });
  return {
    tags: [...tags].map(([name, revision]) => ({ name, revision })).sort((a, b) => byVersion.compare(a.name, b.name)),
    limit: found.limit,
  };
}
