/** Owns the local copy of one repository: bare, incremental, with the revisions that matter pinned, and made anew when damaged. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { SourceOptions } from '../contract/source-options.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createCliBackend } from './cli-mirror.ts';
import { cancelled, gitNeeded, gitNeededFor, protocolError } from './git-errors.ts';
import { parseGitUrl } from './git-url.ts';
import { createIsomorphicBackend } from './isomorphic-mirror.ts';
import { type CheckoutResult, type Commit, type FetchRequest, MirrorDamaged } from './mirror-backend.ts';
import { exists, noteUse } from './mirror-files.ts';
import { assertBranchName, assertRevision, isBranchName } from './ref-names.ts';
import { anonymous, type RemoteAccess } from './remote-access.ts';

const replaceAttempts = 3;

export interface Mirror {
  /**
   * Brings the branch up to date, or makes sure that `revision` is here: from the mirror without a request where it already
   * is, else with the branch, else by its id, for a revision that has left its branch. `pinRef` (`refs/slipway/…`) keeps it
   * for good. May be repeated, and by several processes at once.
   *
   * Throws the `git.*` codes of `listRefs`, `git.branch_missing`, `git.revision_missing`, `job.cancelled`, `input.invalid`.
   */
  fetch(request: {
    readonly branch: string;
    readonly revision?: string;
    readonly pinRef?: string;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly revision: string }>;
  /** Throws `git.revision_missing` when it was not fetched. */
  readCommit(revision: string): Promise<Commit>;
  /** Whether `descendant` is `ancestor` or comes after it. Throws `git.revision_missing`. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** The files that differ between two revisions that were fetched, removed ones too. Throws `git.revision_missing`. */
  changedPaths(from: string, to: string): Promise<string[]>;
  /** What the branch was at after `from` up to `to`, the oldest first and the newest `limit` of them. Both were fetched. */
  commitsBetween(from: string, to: string, limit: number): Promise<string[]>;
  /**
   * Writes the revision's files, and no `.git`, into `targetFolder`, which must be empty or missing. No symbolic link of the
   * repository is ever followed in doing so. Submodules stay empty folders and LFS pointers pointers, unless they are to be fetched.
   *
   * Throws `git.revision_missing`, `conflict` (the folder is not empty), `artifact.unsafe_path`, `data.unwritable`, `store.full`.
   */
  checkout(request: {
    readonly revision: string;
    readonly targetFolder: string;
    readonly signal?: AbortSignal;
  }): Promise<CheckoutResult>;
}

/**
 * A mirror of `url` in `folder`, made when first fetched. With `gitPath` null isomorphic-git does the work, slower and with
 * whole packs in memory. Damage (a full disk, a power cut) is repaired once per call by fetching everything anew.
 */
export function createMirror(options: {
  readonly folder: string;
  readonly url: string;
  readonly gitPath: string | null;
  readonly logger: Logger;
  /** How private repositories are opened; without it, only what is open to everybody. */
  readonly access?: RemoteAccess;
  /** What a checkout fetches beside the tree itself; nothing without. */
  readonly options?: Pick<SourceOptions, 'submodules' | 'lfs'>;
  /** What a mirror that is not there any more is made anew with, until one is fetched; without it, every branch. */
  readonly branch?: string;
}): Mirror {
  const { folder, gitPath, logger, access = anonymous } = options;
  const location = parseGitUrl(options.url);
  const { url } = location;
  const backend =
    gitPath === null
      ? createIsomorphicBackend(location, access)
      : createCliBackend(location, gitPath, access, options.options);
  let lastBranch: string | null = options.branch ?? null;

  /** It may have made room for others. A repository on this machine is read in its own place without the git program. */
  async function assertThere(): Promise<void> {
    if (gitPath === null && location.transport === 'file') return;
    if (!(await exists(folder))) throw new MirrorDamaged('it is not there any more');
  }

  async function rebuild(request: FetchRequest, damage: MirrorDamaged): Promise<{ readonly revision: string }> {
    logger.warn('mirror.damaged', { url, folder, reason: damage.message });
    const fresh = `${folder}.new-${randomUUID()}`;
    const old = `${folder}.old-${randomUUID()}`;
    try {
      const result = await backend.fetch(fresh, request);
      await backend.salvagePins(folder, fresh);
      await replace(folder, fresh, old);
      logger.info('mirror.rebuilt', { url, folder });
      return result;
    } catch (error) {
      if (error instanceof MirrorDamaged) throw protocolError(url, error.message, error);
      throw error;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  async function repairing<Result>(revision: string, operation: () => Promise<Result>, signal?: AbortSignal) {
    await noteUse(folder);
    try {
      await assertThere();
      return await operation();
    } catch (error) {
      if (!(error instanceof MirrorDamaged)) throw error;
      await rebuild({ branch: lastBranch, revision, ...(signal === undefined ? {} : { signal }) }, error);
    }
    try {
      return await operation();
    } catch (error) {
      if (error instanceof MirrorDamaged) throw protocolError(url, error.message, error);
      throw error;
    }
  }

  return {
    async fetch(request) {
      assertBranchName(request.branch);
      if (request.revision !== undefined) assertRevision(request.revision);
      if (request.pinRef !== undefined) assertPinRef(request.pinRef);
      if (request.signal?.aborted) throw cancelled(url);
      if (gitPath === null && location.transport === 'ssh') throw gitNeeded(url);
      lastBranch = request.branch;
      await mkdir(dirname(folder), { recursive: true });
      await noteUse(folder);
      try {
        return await backend.fetch(folder, request);
      } catch (error) {
        if (!(error instanceof MirrorDamaged)) throw error;
        return await rebuild(request, error);
      }
    },
    async readCommit(revision) {
      assertRevision(revision);
      return await repairing(revision, () => backend.readCommit(folder, revision));
    },
    async isAncestor(ancestor, descendant) {
      assertRevision(ancestor);
      assertRevision(descendant);
      return await repairing(descendant, () => backend.isAncestor(folder, ancestor, descendant, lastBranch));
    },
    async changedPaths(from, to) {
      assertRevision(from);
      assertRevision(to);
      return await repairing(to, () => backend.changedPaths(folder, from, to, lastBranch));
    },
    async commitsBetween(from, to, limit) {
      assertRevision(from);
      assertRevision(to);
      return await repairing(to, () => backend.commitsBetween(folder, from, to, limit));
    },
    async checkout(request) {
      assertRevision(request.revision);
      if (gitPath === null && (options.options?.submodules || options.options?.lfs)) throw gitNeededFor(url);
      const { targetFolder } = request;
      await mkdir(targetFolder, { recursive: true });
      if ((await readdir(targetFolder)).length > 0) {
        throw new DomainError(
          'conflict',
          `The folder ${targetFolder} is not empty, so nothing is checked out into it.`,
          {
            targetFolder,
          },
        );
      }
      const attempt = async () => {
        try {
          return await backend.checkout(folder, request);
        } catch (error) {
          if (error instanceof MirrorDamaged) {
            await rm(targetFolder, { recursive: true, force: true });
            await mkdir(targetFolder, { recursive: true });
          }
          throw error;
        }
      };
      return await repairing(request.revision, attempt, request.signal);
    },
  };
}

/** Puts `fresh` in the place of `folder`, whoever else does the same at this moment; what was there is removed. */
async function replace(folder: string, fresh: string, old: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rename(folder, `${old}-${attempt}`).catch(error => {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    });
    try {
      await rename(fresh, folder);
      return;
    } catch (error) {
      const isTaken = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(systemErrorCode(error) ?? '');
      if (!isTaken || attempt === replaceAttempts) throw error;
    } finally {
      await rm(`${old}-${attempt}`, { recursive: true, force: true });
    }
  }
}

function assertPinRef(ref: string): void {
  if (ref.startsWith('refs/slipway/') && isBranchName(ref)) return;
  throw new DomainError('input.invalid', `${JSON.stringify(ref)} is not a ref below refs/slipway/.`, {
    field: 'pinRef',
  });
}
