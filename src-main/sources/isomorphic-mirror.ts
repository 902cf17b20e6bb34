/** Owns a mirror's work where the git program is not installed: isomorphic-git, which holds whole packs in memory. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import git, { Errors } from 'isomorphic-git';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { withDeadline } from './deadline.ts';
import { branchMissing, emptyRepository, protocolError, revisionMissing } from './git-errors.ts';
import { openGitHttp } from './git-http.ts';
import type { GitLocation } from './git-url.ts';
import { findGitFolder, readLocalRefs } from './local-repository.ts';
import { type FetchRequest, type MirrorBackend, MirrorDamaged } from './mirror-backend.ts';
import { isRevision } from './ref-names.ts';
import type { RemoteAccess } from './remote-access.ts';
import { unsafeName, writeTree } from './write-tree.ts';

/** The pack is in memory more than once while it is indexed; above this the git program is needed. */
const maxPackBytes = 256 * 1024 * 1024;
const fetchTimeoutMs = 30 * 60 * 1000;

/** A backend without programs. A repository on this machine is read where it lies, and cannot be pinned. */
export function createIsomorphicBackend({ url, transport }: GitLocation, access: RemoteAccess): MirrorBackend {
  const dataFolder = (folder: string) => (transport === 'file' ? findGitFolder(url) : Promise.resolve(folder));

  /** `folder` and `revision` as the operation has them: a revision that is not found may be unknown, or lost by damage. */
  async function attempt<Result>(
    folder: string,
    revision: string | null,
    operation: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof DomainError || error instanceof MirrorDamaged) throw error;
      if (revision !== null && error instanceof Errors.NotFoundError && error.data.what === revision) {
        throw transport === 'http' && (await hasLostObjects(folder))
          ? new MirrorDamaged('a branch of the mirror leads to a commit that is not there')
          : revisionMissing(url, revision);
      }
      const code = systemErrorCode(error);
      if (code !== null && ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'].includes(code)) {
        throw new DomainError(
          'data.unwritable',
          `A revision of ${url} cannot be written (${messageOf(error)}). Make room, or check who may write there.`,
          { url, folder },
          { cause: error },
        );
      }
      if (code === 'EEXIST') throw unsafeName(messageOf(error));
      if (error instanceof Errors.UnsafeFilepathError) throw unsafeName(error.message);
      // Nothing of ours is at fault where a repository is read in its own place.
      if (transport === 'file') throw protocolError(url, faultOf(error), error);
      throw new MirrorDamaged(faultOf(error));
    }
  }

  async function fetchOverHttp(gitdir: string, branch: string | null, signal: AbortSignal): Promise<string | null> {
    const login = await access.loginFor(url);
    const session = openGitHttp(url, { maxBytes: maxPackBytes, signal, login });
    try {
      const result = await git.fetch({
        fs,
        http: session.client,
        gitdir,
        url,
        remote: 'origin',
        tags: false,
        singleBranch: branch !== null,
        ...(branch === null ? {} : { ref: `origin/${branch}`, remoteRef: `refs/heads/${branch}` }),
      });
      session.check();
      return result.fetchHead;
    } catch (error) {
      session.check();
      if (error instanceof Errors.NotFoundError) return null;
      throw error;
    }
  }

  return {
    fetch: (folder, request) =>
      attempt(folder, null, async () => {
        const { branch, revision, pinRef } = request;
        if (transport === 'file') return await findLocal(url, request);
        await git.init({ fs, gitdir: folder, bare: true });
        await git.addRemote({ fs, gitdir: folder, remote: 'origin', url, force: true });
        let found = revision ?? null;
        if (found === null || !(await hasCommit(folder, found))) {
          const head = await withDeadline({ url, timeoutMs: fetchTimeoutMs, signal: request.signal }, signal =>
            fetchOverHttp(folder, branch, signal),
          );
          if (head === null) throw branch === null ? emptyRepository(url) : branchMissing(url, branch);
          if (found !== null && !(await hasCommit(folder, found))) throw revisionMissing(url, found);
          found ??= head;
        }
        if (pinRef !== undefined) await git.writeRef({ fs, gitdir: folder, ref: pinRef, value: found, force: true });
        return { revision: found };
      }),

    readCommit: (folder, revision) =>
      attempt(folder, revision, async () => {
        const { commit } = await git.readCommit({ fs, gitdir: await dataFolder(folder), oid: revision });
        return {
          subject: (commit.message.split('\n')[0] ?? '').slice(0, 500),
          authorName: commit.author.name.slice(0, 200),
          authoredAtMs: commit.author.timestamp * 1000,
          committedAtMs: commit.committer.timestamp * 1000,
          treeId: commit.tree,
        };
      }),

    async isAncestor(folder, ancestor, descendant) {
      const gitdir = await dataFolder(folder);
      await attempt(folder, ancestor, () => git.readCommit({ fs, gitdir, oid: ancestor }));
      return await attempt(
        folder,
        descendant,
        async () =>
          ancestor === descendant || (await git.isDescendent({ fs, gitdir, oid: descendant, ancestor, depth: -1 })),
      );
    },

    async changedPaths(folder, from, to) {
      const gitdir = await dataFolder(folder);
      await attempt(folder, from, () => git.readCommit({ fs, gitdir, oid: from }));
      return await attempt(folder, to, () => changedBetween(gitdir, from, to));
    },

    commitsBetween: (folder, from, to, limit) =>
      attempt(folder, to, async () => {
        const gitdir = await dataFolder(folder);
        const found: string[] = [];
        for (let at: string | undefined = to; at !== undefined && at !== from && found.length < limit; ) {
          found.unshift(at);
          const { commit }: Awaited<ReturnType<typeof git.readCommit>> = await git.readCommit({ fs, gitdir, oid: at });
          at = commit.parent[0];
        }
        return found;
      }),

    checkout: (folder, { revision, targetFolder, signal }) =>
      attempt(folder, revision, async () => {
        const gitdir = await dataFolder(folder);
        const files = await writeTree({
          gitdir,
          revision,
          targetFolder,
          url,
          ...(signal === undefined ? {} : { signal }),
        });
        return { files, via: 'isomorphic-git' };
      }),

    // Without the program there is no fetch between two folders; what is still on a branch comes back with the branch.
    salvagePins: async () => undefined,
  };
}

/** The library's words for what it did not expect are for those who wrote it, but for these. */
const faultOf = (error: unknown) => (error instanceof Errors.InternalError ? error.data.message : messageOf(error));

/** Files whose content, kind or presence differs; equal folders are not entered. */
async function changedBetween(gitdir: string, from: string, to: string): Promise<string[]> {
  const changed: string[] = [];
  await git.walk({
    fs,
    gitdir,
    trees: [git.TREE({ ref: from }), git.TREE({ ref: to })],
    map: async (path, [before, after]) => {
      const [oldId, newId, oldMode, newMode] = await Promise.all([
        before?.oid(),
        after?.oid(),
        before?.mode(),
        after?.mode(),
      ]);
      if (oldId === newId && oldMode === newMode) return null;
      const kinds = await Promise.all([before?.type(), after?.type()]);
      if (kinds.some(kind => kind !== undefined && kind !== 'tree')) changed.push(path);
      return true;
    },
  });
  return changed.sort();
}

async function hasCommit(gitdir: string, revision: string): Promise<boolean> {
  return await git.readCommit({ fs, gitdir, oid: revision }).then(
    () => true,
    () => false,
  );
}

async function hasLostObjects(gitdir: string): Promise<boolean> {
  for (const branch of await git.listBranches({ fs, gitdir, remote: 'origin' })) {
    const head = await git.resolveRef({ fs, gitdir, ref: `refs/remotes/origin/${branch}` }).catch(() => null);
    if (head !== null && !(await hasCommit(gitdir, head))) return true;
  }
  return false;
}

async function findLocal(path: string, { branch, revision }: FetchRequest): Promise<{ revision: string }> {
  const gitdir = await findGitFolder(path);
  if (revision !== undefined) {
    if (!(await hasCommit(gitdir, revision))) throw revisionMissing(path, revision);
    return { revision };
  }
  const found = (await readLocalRefs(path)).refs.get(branch ?? '');
  if (found === undefined || !isRevision(found)) throw branchMissing(path, branch ?? join(path, 'HEAD'));
  return { revision: found };
}
