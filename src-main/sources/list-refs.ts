/** Owns looking at a remote repository: its branches and where they are. Downloads no objects. */
import git from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';
import type { RateLimit } from '../domain/poll-host.ts';
import { withDeadline } from './deadline.ts';
import { findGit, runGit } from './git-cli.ts';
import { emptyRepository, gitNeeded, lastLine, protocolError, remoteErrorOf } from './git-errors.ts';
import { openGitHttp } from './git-http.ts';
import { type GitLocation, parseGitUrl } from './git-url.ts';
import { findGitFolder, readLocalRefs } from './local-repository.ts';
import { askBranch } from './ls-refs.ts';
import { assertBranchName, isBranchName, isRevision } from './ref-names.ts';
import { anonymous, type GitLogin, type RemoteAccess } from './remote-access.ts';
import { remoteOptions } from './remote-options.ts';
import { sshErrorOf } from './ssh-program.ts';

/** About 150,000 branches. A server without protocol 2 sends tags and pull requests as well. */
const maxAnswerBytes = 16 * 1024 * 1024;
const headsPrefix = 'refs/heads/';

export interface RemoteBranch {
  readonly name: string;
  readonly revision: string;
}

export interface RemoteRefs {
  /** What HEAD names; null where it is detached, names a branch that is not there, or was not told with the one branch that was asked for. */
  readonly defaultBranch: string | null;
  readonly branches: readonly RemoteBranch[];
  /** What the server said of how often it may be asked; null where it said nothing. */
  readonly limit: RateLimit | null;
}

export interface ListRefsOptions {
  /** As `parseGitUrl` gives it, or as a person wrote it. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /**
   * Only this branch: what a poll wants: one small request however large the repository, two at the first. The default branch comes with it
   * from servers that are known to speak protocol 2, over ssh, and from a bare repository on this machine. Where the branch is missing, `branches` is empty, and so it is in an empty repository.
   */
  readonly branch?: string;
  /** How private repositories are opened; without it, only what is open to everybody. */
  readonly access?: RemoteAccess;
}

/**
 * Asks a repository for its branches: over http(s) by protocol 2 (and 1 where a server knows no better), over ssh and for a local path
 * with `git ls-remote`, a local one by reading it where git is not installed. Changes nothing; may be repeated.
 *
 * Throws `git.url_invalid`, `git.unreachable`, `git.not_found`, `git.auth_failed`, `git.host_key_changed`, `toolchain.missing` (ssh without its programs), `git.timeout`, `git.rate_limited`, `git.protocol`, `git.empty`
 * (not with `branch`), `job.cancelled`, `input.invalid` (a name that no branch can have).
 */
export async function listRefs(options: ListRefsOptions): Promise<RemoteRefs> {
  const location = parseGitUrl(options.url);
  const { transport, url } = location;
  const { access = anonymous } = options;
  if (options.branch !== undefined) assertBranchName(options.branch);
  const found = await withDeadline({ url, timeoutMs: options.timeoutMs, signal: options.signal }, async signal => {
    if (transport === 'http') return listOverHttp(url, options.branch, { signal, login: await access.loginFor(url) });
    return listByProgram(location, options.branch, { access, timeoutMs: options.timeoutMs, signal });
  });

  const branches: RemoteBranch[] = [];
  for (const [name, revision] of found.refs) {
    const wanted = options.branch === undefined || options.branch === name;
    if (wanted && isBranchName(name) && isRevision(revision)) branches.push({ name, revision });
  }
  if (branches.length === 0 && options.branch === undefined) throw emptyRepository(url);
  // A server lists HEAD only where its branch is there, and with one branch the others are not listed.
  const isThere = options.branch !== undefined || branches.some(branch => branch.name === found.head);
  const defaultBranch = found.head !== null && isThere && isBranchName(found.head) ? found.head : null;
  return { defaultBranch, branches, limit: found.limit };
}

interface FoundRefs {
  readonly head: string | null;
  /** By branch name. */
  readonly refs: ReadonlyMap<string, string>;
  readonly limit: RateLimit | null;
}

/** Where servers answered in protocol 2, by URL: they need no discovery at the next poll. The oldest is forgotten first. */
const endpoints = new Map<string, string>();
const maxEndpoints = 2_000;

function remember(url: string, endpoint: string | null): void {
  endpoints.delete(url);
  if (endpoint === null) return;
  endpoints.set(url, endpoint);
  const [oldest] = endpoints.keys();
  if (endpoints.size > maxEndpoints && oldest !== undefined) endpoints.delete(oldest);
}

interface Ask {
  readonly signal: AbortSignal;
  readonly login: GitLogin | null;
}

/** Null where it is to be asked from the beginning: a server may have changed in any way, and that gives the right error. */
async function askKnown(url: string, branch: string, { signal, login }: Ask): Promise<FoundRefs | null> {
  const endpoint = endpoints.get(url);
  if (endpoint === undefined) return null;
  const session = openGitHttp(url, { maxBytes: maxAnswerBytes, signal, endpoint, login });
  try {
    const { head, refs } = await askBranch(session, url, branch);
    return { head: branchOf(head), refs, limit: session.limit() };
  } catch (error) {
    endpoints.delete(url);
    signal.throwIfAborted();
    if (error instanceof DomainError && error.code === 'git.rate_limited') throw error;
    return null;
  }
}

async function listOverHttp(url: string, branch: string | undefined, ask: Ask): Promise<FoundRefs> {
  const known = branch === undefined ? null : await askKnown(url, branch, ask);
  if (known !== null) return known;
  let limit: RateLimit | null = null;
  const list = async (prefix: string) => {
    const session = openGitHttp(url, { maxBytes: maxAnswerBytes, ...ask });
    try {
      const refs = await git.listServerRefs({ http: session.client, url, prefix, symrefs: true, protocolVersion: 2 });
      session.check();
      limit = session.limit() ?? limit;
      if (!session.endedWithFlush()) throw protocolError(url, 'it is cut off');
      remember(url, session.endpoint());
      return refs;
    } catch (error) {
      session.check();
      if (error instanceof DomainError) throw error;
      throw protocolError(url, 'no list of branches', error);
    }
  };
  const heads = await list(`${headsPrefix}${branch ?? ''}`);
  const refs = new Map<string, string>();
  for (const { ref, oid } of heads) if (ref.startsWith(headsPrefix)) refs.set(ref.slice(headsPrefix.length), oid);
  if (branch !== undefined || refs.size === 0) return { head: null, refs, limit };
  // The library takes one prefix, and `refs/heads/` leaves HEAD out.
  const head = (await list('HEAD')).find(({ ref }) => ref === 'HEAD');
  return { head: branchOf(head?.target) ?? branchAt(refs, head?.oid), refs, limit };
}

async function listByProgram(
  location: GitLocation,
  branch: string | undefined,
  { access, timeoutMs, signal }: { access: RemoteAccess; timeoutMs: number; signal: AbortSignal },
): Promise<FoundRefs> {
  const { transport, url } = location;
  // First, since git's own message for a missing folder speaks of access rights.
  const folder = transport === 'file' ? await findGitFolder(url) : null;
  // In a working tree, HEAD is what a person has checked out at the moment.
  const isDefault = branch === undefined || folder === null || folder === url;
  const gitPath = await findGit();
  if (gitPath === null) {
    if (transport === 'ssh') throw gitNeeded(url);
    const { head, refs } = await readLocalRefs(url);
    return { head: isDefault && head !== null && refs.has(head) ? head : null, refs, limit: null };
  }
  const result = await runGit(gitPath, {
    verb: 'ls-remote',
    options: ['--symref'],
    operands: [url, 'HEAD', `${headsPrefix}*`],
    remote: await remoteOptions(location, access),
    signal,
    timeoutMs,
    maxOutputBytes: maxAnswerBytes,
  });
  signal.throwIfAborted();
  if (result.outcome === 'output_too_large') throw protocolError(url, 'its list of branches is too long');
  const stderr = result.stderr.toString('utf8');
  if (result.exitCode !== 0) {
    const fromSsh = transport === 'ssh' ? await sshErrorOf(url, stderr, access.knownHostsFile) : null;
    throw fromSsh ?? remoteErrorOf(url, stderr) ?? protocolError(url, lastLine(stderr));
  }

  const refs = new Map<string, string>();
  let head: string | null = null;
  for (const line of result.stdout.toString('utf8').split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && value.startsWith('ref: ')) head = branchOf(value.slice('ref: '.length));
    else if (name.startsWith(headsPrefix)) refs.set(name.slice(headsPrefix.length), value);
  }
  return { head: isDefault ? head : null, refs, limit: null };
}

function branchOf(ref: string | null | undefined): string | null {
  return ref?.startsWith(headsPrefix) ? ref.slice(headsPrefix.length) : null;
}

/** A server that does not name HEAD's branch (protocol 1 without symrefs): the one branch that is where HEAD is. */
function branchAt(refs: ReadonlyMap<string, string>, revision: string | undefined): string | null {
  const candidates = [...refs].filter(([, oid]) => oid === revision).map(([name]) => name);
  return candidates.find(name => name === 'main' || name === 'master') ?? candidates[0] ?? null;
}
