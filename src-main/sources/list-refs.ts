/** Owns looking at a remote repository: its branches and where they are. Downloads no objects. */
import git from 'isomorphic-git';
import { DomainError } from '../contract/errors.ts';
import { withDeadline } from './deadline.ts';
import { findGit, runGit } from './git-cli.ts';
import { emptyRepository, lastLine, protocolError, remoteErrorOf } from './git-errors.ts';
import { openGitHttp } from './git-http.ts';
import { parseGitUrl } from './git-url.ts';
import { findGitFolder, readLocalRefs } from './local-repository.ts';
import { assertBranchName, isBranchName, isRevision } from './ref-names.ts';

/** About 150,000 branches. A server without protocol 2 sends tags and pull requests as well. */
const maxAnswerBytes = 16 * 1024 * 1024;
const headsPrefix = 'refs/heads/';

export interface RemoteBranch {
  readonly name: string;
  readonly revision: string;
}

export interface RemoteRefs {
  /** What HEAD names; null when it was not asked for, is detached, or names a branch that is not there. */
  readonly defaultBranch: string | null;
  readonly branches: readonly RemoteBranch[];
}

export interface ListRefsOptions {
  /** As `parseGitUrl` gives it, or as a person wrote it. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /**
   * Only this branch, and no default branch: what a poll wants, two small requests however large the repository. Where it
   * is missing, `branches` is empty, and so it is in an empty repository.
   */
  readonly branch?: string;
}

/**
 * Asks a repository for its branches: over http(s) by protocol 2 (and 1 where a server knows no better), for a local path
 * with `git ls-remote`, or by reading it where git is not installed. Changes nothing; may be repeated.
 *
 * Throws `git.url_invalid`, `git.unreachable`, `git.not_found`, `git.auth_failed`, `git.timeout`, `git.protocol`, `git.empty`
 * (not with `branch`), `job.cancelled`, `input.invalid` (a name that no branch can have).
 */
export async function listRefs(options: ListRefsOptions): Promise<RemoteRefs> {
  const { transport, url } = parseGitUrl(options.url);
  if (options.branch !== undefined) assertBranchName(options.branch);
  const found = await withDeadline({ url, timeoutMs: options.timeoutMs, signal: options.signal }, signal =>
    transport === 'http' ? listOverHttp(url, options.branch, signal) : listLocal(url, options.timeoutMs, signal),
  );

  const branches: RemoteBranch[] = [];
  for (const [name, revision] of found.refs) {
    const wanted = options.branch === undefined || options.branch === name;
    if (wanted && isBranchName(name) && isRevision(revision)) branches.push({ name, revision });
  }
  if (branches.length === 0 && options.branch === undefined) throw emptyRepository(url);
  const defaultBranch = branches.some(branch => branch.name === found.head) ? found.head : null;
  return { defaultBranch: options.branch === undefined ? defaultBranch : null, branches };
}

interface FoundRefs {
  readonly head: string | null;
  /** By branch name. */
  readonly refs: ReadonlyMap<string, string>;
}

async function listOverHttp(url: string, branch: string | undefined, signal: AbortSignal): Promise<FoundRefs> {
  const list = async (prefix: string) => {
    const session = openGitHttp(url, { maxBytes: maxAnswerBytes, signal });
    try {
      const refs = await git.listServerRefs({ http: session.client, url, prefix, symrefs: true, protocolVersion: 2 });
      session.check();
      if (!session.endedWithFlush()) throw protocolError(url, 'it is cut off');
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
  if (branch !== undefined || refs.size === 0) return { head: null, refs };
  // The library takes one prefix, and `refs/heads/` leaves HEAD out.
  const head = (await list('HEAD')).find(({ ref }) => ref === 'HEAD');
  return { head: branchOf(head?.target) ?? branchAt(refs, head?.oid), refs };
}

async function listLocal(path: string, timeoutMs: number, signal: AbortSignal): Promise<FoundRefs> {
  // First, since git's own message for a missing folder speaks of access rights.
  await findGitFolder(path);
  const gitPath = await findGit();
  if (gitPath === null) return await readLocalRefs(path);
  const result = await runGit(gitPath, {
    verb: 'ls-remote',
    options: ['--symref'],
    operands: [path, 'HEAD', `${headsPrefix}*`],
    signal,
    timeoutMs,
    maxOutputBytes: maxAnswerBytes,
  });
  signal.throwIfAborted();
  if (result.outcome === 'output_too_large') throw protocolError(path, 'its list of branches is too long');
  const stderr = result.stderr.toString('utf8');
  if (result.exitCode !== 0) throw remoteErrorOf(path, stderr) ?? protocolError(path, lastLine(stderr));

  const refs = new Map<string, string>();
  let head: string | null = null;
  for (const line of result.stdout.toString('utf8').split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && value.startsWith('ref: ')) head = branchOf(value.slice('ref: '.length));
    else if (name.startsWith(headsPrefix)) refs.set(name.slice(headsPrefix.length), value);
  }
  return { head, refs };
}

function branchOf(ref: string | undefined): string | null {
  return ref?.startsWith(headsPrefix) ? ref.slice(headsPrefix.length) : null;
}

/** A server that does not name HEAD's branch (protocol 1 without symrefs): the one branch that is where HEAD is. */
function branchAt(refs: ReadonlyMap<string, string>, revision: string | undefined): string | null {
  const candidates = [...refs].filter(([, oid]) => oid === revision).map(([name]) => name);
  return candidates.find(name => name === 'main' || name === 'master') ?? candidates[0] ?? null;
}
