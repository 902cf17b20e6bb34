/** Owns a mirror's work through the git program. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { CommandResult } from '../process/run-command.ts';
import { type GitRun, runGit } from './git-cli.ts';
import { branchMissing, cancelled, lastLine, remoteErrorOf, revisionMissing, timedOut } from './git-errors.ts';
import { findMoved } from './git-http.ts';
import { countEntries } from './git-index.ts';
import { lfsErrorOf, lfsOptions } from './git-lfs.ts';
import { listSubmodules, tooDeep } from './git-submodules.ts';
import type { GitLocation } from './git-url.ts';
import { findGitFolder } from './local-repository.ts';
import type { CheckoutRequest, CheckoutResult, FetchRequest, MirrorBackend } from './mirror-backend.ts';
import { checkoutError, damaged, digestOf, exists, readRefFile, refOf, wantsGc } from './mirror-files.ts';
import { isRevision } from './ref-names.ts';
import type { RemoteAccess } from './remote-access.ts';
import { remoteOptions } from './remote-options.ts';
import { sshErrorOf } from './ssh-program.ts';

/** A first fetch of a large repository over a slow line; one that stops sending ends much earlier (git-cli.ts). */
const fetchTimeoutMs = 60 * 60 * 1000;
const localTimeoutMs = 5 * 60 * 1000;
/** About half a million paths between two revisions. */
const maxDiffBytes = 32 * 1024 * 1024;
const fetchOptions = ['--no-tags', '--no-auto-maintenance', '--no-write-fetch-head', '--no-recurse-submodules'];
const maxSubmoduleDepth = 5;
const lockAttempts = 4;
const lockPauseMs = 250;

/** What is fetched at a checkout beside the tree itself. `depth` is that of a submodule in submodules. */
export interface CheckoutOptions {
  readonly submodules?: boolean;
  readonly lfs?: boolean;
  readonly depth?: number;
}

const isLocked = ({ exitCode, text }: { readonly exitCode: number | null; readonly text: string }) =>
  exitCode !== 0 && /cannot lock ref|Unable to create '.*\.lock'/.test(text);

/** With a login, git follows no redirect by itself. */
const isRedirected = (stderr: string) => /The requested URL returned error: 30[12378]/.test(stderr);

/** A backend over the git program at `gitPath`. Its errors are those of `Mirror`. */
export function createCliBackend(
  location: GitLocation,
  gitPath: string,
  access: RemoteAccess,
  wanted: CheckoutOptions = {},
): MirrorBackend {
  const { transport, url } = location;
  const errorOf = async (stderr: string) =>
    (transport === 'ssh' ? await sshErrorOf(url, stderr, access.knownHostsFile) : null) ?? remoteErrorOf(url, stderr);

  async function run(
    options: Omit<GitRun, 'timeoutMs'> & { timeoutMs?: number },
  ): Promise<CommandResult & { text: string }> {
    const timeoutMs = options.timeoutMs ?? localTimeoutMs;
    const result = await runGit(gitPath, { ...options, timeoutMs });
    if (result.outcome === 'cancelled') throw cancelled(url);
    if (result.outcome === 'timed_out') throw timedOut(url, timeoutMs);
    return { ...result, text: result.stderr.toString('utf8') };
  }

  /** Whether it was made just now. */
  async function prepare(folder: string): Promise<boolean> {
    if (await exists(join(folder, 'HEAD'))) return false;
    // Made aside and moved into place whole: another worker may be at the same, and then either one will do.
    const fresh = `${folder}.init-${randomUUID()}`;
    try {
      const result = await run({ verb: 'init', options: ['--bare', '--quiet', '--template='], operands: [fresh] });
      if (result.exitCode !== 0) {
        throw new DomainError(
          'data.unwritable',
          `The mirror of ${url} cannot be made in ${folder}: ${lastLine(result.text)}. Make room, or check who may write there.`,
          { url, folder },
        );
      }
      await rename(fresh, folder).catch(error => {
        const code = systemErrorCode(error) ?? '';
        if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(code)) throw error;
      });
      return true;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  /**
   * Whether a ref leads to it, so that all that it needs is here: a lone object may be left of a fetch that broke off. The file of
   * `likely`, a ref of ours, is looked at first, without a process.
   */
  async function holds(folder: string, revision: string, likely: string | undefined): Promise<boolean> {
    if (likely !== undefined && (await readRefFile(folder, likely)) === revision) return true;
    const result = await run({
      verb: 'for-each-ref',
      options: ['--count=1', '--format=%(refname)', `--contains=${revision}`],
      gitDir: folder,
    });
    return result.exitCode === 0 && result.stdout.length > 0;
  }

  async function resolveRef(folder: string, ref: string): Promise<string> {
    const result = await run({
      verb: 'for-each-ref',
      options: ['--format=%(objectname)'],
      operands: [ref],
      gitDir: folder,
    });
    const revision = result.stdout.toString('utf8').trim();
    if (!isRevision(revision)) throw damaged(result.text);
    return revision;
  }

  async function fetchRef(
    folder: string,
    refspec: string,
    { signal, depth }: { readonly signal?: AbortSignal | undefined; readonly depth?: '--depth=1' | '--unshallow' },
  ): Promise<CommandResult & { text: string }> {
    let remote = await remoteOptions(location, access);
    let from = url;
    for (let attempt = 1; ; attempt++) {
      const result = await run({
        verb: 'fetch',
        // A repository on this machine may itself be a shallow clone.
        options: [...fetchOptions, '--update-shallow', ...(depth === undefined ? [] : [depth])],
        operands: [from, refspec],
        remote,
        gitDir: folder,
        timeoutMs: fetchTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      if (from === url && isRedirected(result.text)) {
        from = await findMoved(url, await access.loginFor(url), signal);
        remote = await remoteOptions({ ...location, url: from }, access);
        if (from !== url) continue;
      }
      // Another worker updates the same ref; its fetch is as good as ours, so one more try finds nothing to do.
      if (!isLocked(result) || attempt === lockAttempts) return result;
      await delay(lockPauseMs);
    }
  }

  /**
   * Of a fresh mirror only the branch's newest commit, which is all that a first build needs; what history it lacks is fetched by
   * `deepen` when a question needs it.
   */
  async function fetchBranch(
    folder: string,
    { branch, signal }: FetchRequest,
    isFresh: boolean,
  ): Promise<'fetched' | 'missing'> {
    const refspec = branch === null ? '+refs/heads/*:refs/branches/*' : `+refs/heads/${branch}:${refOf(branch)}`;
    const isShallow = isFresh && branch !== null;
    let result = await fetchRef(folder, refspec, { signal, ...(isShallow ? { depth: '--depth=1' } : {}) });
    // A plain file server knows no depth. Source: git's remote-curl.c, fetch_dumb.
    if (isShallow && /does not support shallow/.test(result.text)) result = await fetchRef(folder, refspec, { signal });
    if (result.exitCode === 0) return 'fetched';
    if (/couldn't find remote ref/i.test(result.text)) return 'missing';
    throw (await errorOf(result.text)) ?? damaged(result.text);
  }

  /** Fetches the history that a shallow mirror lacks; false where it lacks none. */
  async function deepen(folder: string, branch: string | null): Promise<boolean> {
    if (!(await exists(join(folder, 'shallow')))) return false;
    const refspec = branch === null ? '+refs/heads/*:refs/branches/*' : `+refs/heads/${branch}:${refOf(branch)}`;
    const result = await fetchRef(folder, refspec, { depth: '--unshallow' });
    // Another worker was faster.
    if (result.exitCode === 0 || /complete repository/.test(result.text)) return true;
    throw (await errorOf(result.text)) ?? damaged(result.text);
  }

  async function pin(folder: string, ref: string, revision: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const result = await run({ verb: 'update-ref', operands: [ref, revision], gitDir: folder });
      if (result.exitCode === 0) return;
      // Another worker pins the same revision. A lock that stays is of one that was killed: the mirror is made anew without it.
      if (!isLocked(result) || attempt === lockAttempts) throw damaged(result.text);
      await delay(lockPauseMs);
    }
  }

  async function assertCommit(folder: string, revision: string): Promise<void> {
    const result = await run({ verb: 'cat-file', options: ['-e', `${revision}^{commit}`], gitDir: folder });
    if (result.exitCode === 0) return;
    if (!(await exists(folder))) throw revisionMissing(url, revision);
    if (/^error:/m.test(result.text) || !/Not a valid object name/.test(result.text)) throw damaged(result.text);
    // Not known, or lost? A mirror that has lost objects has refs that lead nowhere.
    const refs = await run({ verb: 'for-each-ref', options: ['--format=%(objecttype)'], gitDir: folder });
    throw refs.exitCode === 0 ? revisionMissing(url, revision) : damaged(refs.text);
  }

  /** What a shallow mirror denies may only be what it lacks: then the question is asked again with all of the history. */
  async function withHistory(folder: string, branch: string | null, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      if (await ask()) return true;
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'git.revision_missing')) throw error;
      if (!(await deepen(folder, branch))) throw error;
      return ask();
    }
    return (await deepen(folder, branch)) ? ask() : false;
  }

  async function checkout(folder: string, request: CheckoutRequest): Promise<CheckoutResult> {
    const { revision, targetFolder, signal } = request;
    // An index of its own: several workers may check out of one mirror at the same time, and no .git is left behind.
    const index = join(folder, `checkout-${randomUUID()}.index`);
    const common = { gitDir: folder, env: { GIT_INDEX_FILE: index }, ...(signal === undefined ? {} : { signal }) };
    const lfs = wanted.lfs ? await lfsOptions(location, access) : null;
    try {
      const result = await run({
        ...common,
        verb: 'read-tree',
        options: ['--reset', '-u'],
        operands: [`${revision}^{commit}`],
        workTree: targetFolder,
        ...(lfs === null ? {} : { remote: lfs, timeoutMs: fetchTimeoutMs }),
      });
      if (result.exitCode !== 0) {
        await assertCommit(folder, revision);
        throw (lfs === null ? null : lfsErrorOf(url, result.text)) ?? checkoutError(result.text, targetFolder);
      }
      const files = await countEntries(index);
      if (wanted.submodules) await checkOutSubmodules(folder, request);
      return { files, via: 'git' };
    } finally {
      await rm(index, { force: true });
      await rm(`${index}.lock`, { force: true });
    }
  }

  /** Each from a mirror of its own within this one, and whatever it has of them in turn. */
  async function checkOutSubmodules(
    folder: string,
    { revision, targetFolder, signal }: CheckoutRequest,
  ): Promise<void> {
    const depth = wanted.depth ?? 0;
    for (const submodule of await listSubmodules(run, folder, revision, location)) {
      if (depth === maxSubmoduleDepth) throw tooDeep(submodule.path);
      const place = join(targetFolder, submodule.path);
      // Git has made it an empty folder: anything else there is not of this tree.
      const facts = await lstat(place);
      if (!facts.isDirectory() || (await readdir(place)).length > 0) throw tooDeep(submodule.path);
      const inner = join(folder, 'submodules', `${digestOf(submodule.location.url)}.git`);
      await mkdir(dirname(inner), { recursive: true });
      const backend = createCliBackend(submodule.location, gitPath, access, { ...wanted, depth: depth + 1 });
      const common = { revision: submodule.revision, ...(signal === undefined ? {} : { signal }) };
      await backend.fetch(inner, { ...common, branch: null });
      await backend.checkout(inner, { ...common, targetFolder: place });
    }
  }

  return {
    async fetch(folder, request) {
      const { branch, revision, pinRef, signal } = request;
      if (transport === 'file') await findGitFolder(url);
      const isFresh = await prepare(folder);
      const fetching = revision === undefined || isFresh || !(await holds(folder, revision, pinRef));
      if (fetching) {
        const found = await fetchBranch(folder, request, isFresh);
        if (revision === undefined) {
          if (found === 'missing' || branch === null) throw branchMissing(url, branch ?? '');
        } else if (!(await holds(folder, revision, branch === null ? undefined : refOf(branch)))) {
          const keeper = pinRef ?? `refs/revisions/${revision}`;
          const result = await fetchRef(folder, `+${revision}:${keeper}`, { signal });
          if (result.exitCode !== 0) {
            if (/not our ref|unadvertised object|couldn't find remote ref/i.test(result.text)) {
              throw found === 'missing' && branch !== null
                ? branchMissing(url, branch)
                : revisionMissing(url, revision);
            }
            throw (await errorOf(result.text)) ?? damaged(result.text);
          }
        }
      }
      const found = revision ?? (await resolveRef(folder, refOf(branch ?? '')));
      if (pinRef !== undefined && (await readRefFile(folder, pinRef)) !== found) await pin(folder, pinRef, found);
      // Every fetch adds a pack. A failure here harms nobody, and the next fetch tries again.
      if (fetching && (await wantsGc(folder)))
        await run({ verb: 'gc', options: ['--auto', '--quiet'], gitDir: folder, timeoutMs: fetchTimeoutMs });
      return { revision: found };
    },

    async readCommit(folder, revision) {
      await assertCommit(folder, revision);
      const result = await run({
        verb: 'log',
        options: ['-1', '--no-show-signature', '--encoding=UTF-8', '--format=%T%x00%at%x00%ct%x00%an%x00%s'],
        operands: [revision],
        gitDir: folder,
      });
      if (result.exitCode !== 0) throw damaged(result.text);
      const [treeId = '', authored, committed, author = '', subject = ''] = result.stdout
        .toString('utf8')
        .trimEnd()
        .split('\0');
      return {
        subject: subject.slice(0, 500),
        authorName: author.slice(0, 200),
        authoredAtMs: Number(authored) * 1000,
        committedAtMs: Number(committed) * 1000,
        treeId,
      };
    },

    isAncestor: (folder, ancestor, descendant, branch) =>
      withHistory(folder, branch, async () => {
        await assertCommit(folder, ancestor);
        await assertCommit(folder, descendant);
        const result = await run({
          verb: 'merge-base',
          options: ['--is-ancestor'],
          operands: [ancestor, descendant],
          gitDir: folder,
        });
        if (result.exitCode !== 0 && result.exitCode !== 1) throw damaged(result.text);
        return result.exitCode === 0;
      }),

    async changedPaths(folder, from, to, branch) {
      await withHistory(folder, branch, async () => {
        await assertCommit(folder, from);
        await assertCommit(folder, to);
        return true;
      });
      const result = await run({
        verb: 'diff-tree',
        options: ['-r', '-z', '--name-only', '--no-renames'],
        operands: [from, to],
        gitDir: folder,
        maxOutputBytes: maxDiffBytes,
      });
      if (result.exitCode !== 0) throw damaged(result.text);
      return result.stdout
        .toString('utf8')
        .split('\0')
        .filter(path => path !== '');
    },

    async commitsBetween(folder, from, to, limit) {
      await assertCommit(folder, from);
      await assertCommit(folder, to);
      // Of a merge the merge itself: the commits beside it were never what the branch was at.
      const options = ['--first-parent', '--reverse', `--max-count=${limit}`];
      const result = await run({ verb: 'rev-list', options, operands: [to, `^${from}`], gitDir: folder });
      if (result.exitCode !== 0) throw damaged(result.text);
      return result.stdout.toString('utf8').split('\n').filter(isRevision);
    },

    checkout,

    async salvagePins(old, folder) {
      await run({
        verb: 'fetch',
        options: [...fetchOptions, '--update-shallow'],
        operands: [old, 'refs/slipway/*:refs/slipway/*'],
        gitDir: folder,
        timeoutMs: fetchTimeoutMs,
      });
    },
  };
}
