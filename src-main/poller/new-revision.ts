/** Owns what a change of a branch becomes: the commit is fetched and pinned, a job is queued, and what left the branch is cancelled. */
import { DomainError } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import { findPolledJob, listQueuedJobs, moveJob } from '../database/jobs.ts';
import { errorFromJson, errorToJson } from '../database/json-column.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { branchStateOf, type RepositoryRecord, sourceOptionsOf, updateRepository } from '../database/repositories.ts';
import type { Clock } from '../domain/clock.ts';
import { enqueueRevision, retryJob } from '../queue/enqueue.ts';
import type { Mirror } from '../sources/mirror.ts';
import type { Commit } from '../sources/mirror-backend.ts';
import { noteBranch } from './note-branch.ts';

/** Of many commits at once, such as a long branch that is merged by its tip, only so many of the newest become jobs. */
const maxCommitsAtOnce = 100;

/** Takes note that a repository's branch is at `revision`, or that it has a new tag there. May be repeated. Throws `git.*`. */
export type NewRevision = (
  repository: RepositoryRecord,
  revision: string,
  seenAtMs: number,
  signal: AbortSignal,
) => Promise<void>;

/** Whether `head` contains `revision`. One that the mirror lacks, though it holds the whole branch, is not on it. */
async function isOnBranch(mirror: Mirror, revision: string, head: string): Promise<boolean> {
  try {
    return await mirror.isAncestor(revision, head);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'git.revision_missing') return false;
    throw error;
  }
}

export function createNewRevision(options: {
  readonly db: Db;
  readonly clock: Clock;
  readonly mirrorOf: (repository: RepositoryRecord) => Mirror;
  readonly onQueued: () => void;
}): NewRevision {
  const { db, clock } = options;

  /** A force push cancels queued jobs that left the branch, with the reason; running ones end as they will. */
  async function cancelLeft(repository: RepositoryRecord, mirror: Mirror, head: string): Promise<void> {
    for (const job of await listQueuedJobs(db, repository.id)) {
      if (job.trigger === 'manual' || (await isOnBranch(mirror, job.revision, head))) continue;
      const error = new DomainError(
        'job.cancelled',
        `${job.revision.slice(0, 10)} is no longer on ${repository.branch}: a force push replaced it.`,
        { leftBranch: repository.branch },
      );
      const now = clock();
      await inTransaction(db, async transaction => {
        const change = { status: 'cancelled', finishedAt: now, error: errorToJson(error) } as const;
        if (!(await moveJob(transaction, job.id, ['queued'], change))) return;
        await appendEvent(transaction, {
          type: 'job.finished',
          at: now,
          repositoryId: repository.id,
          jobId: job.id,
          data: { status: 'cancelled', error: error.code },
        });
      });
    }
  }

  /** A force push that is taken back brings its revision back, also one that was superseded; what a person cancelled stays so. */
  async function requeueIfItHadGone(repositoryId: string, revision: string): Promise<void> {
    const job = await findPolledJob(db, repositoryId, revision);
    if (job?.status !== 'cancelled') return;
    const { leftBranch, supersededBy } = errorFromJson(job.error)?.details ?? {};
    if (leftBranch === undefined && supersededBy === undefined) return;
    await retryJob(db, job.id, clock());
  }

  async function enqueue(
    repository: RepositoryRecord,
    commit: Commit,
    revision: string,
    seenAtMs: number,
  ): Promise<void> {
    const queued = await enqueueRevision(db, {
      repositoryId: repository.id,
      revision: {
        revision,
        subject: commit.subject,
        authorName: commit.authorName,
        committedAtMs: commit.committedAtMs,
      },
      trigger: repository.currentRevision === null ? 'added' : 'poll',
      seenAtMs,
      now: clock(),
    });
    if (!queued) await requeueIfItHadGone(repository.id, revision);
  }

  /** Whether a file below the repository's chosen paths differs; also where the older revision is known no more. */
  async function touches(mirror: Mirror, from: string, to: string, paths: readonly string[]): Promise<boolean> {
    try {
      const changed = await mirror.changedPaths(from, to);
      return changed.some(file => paths.some(path => file === path || file.startsWith(`${path}/`)));
    } catch (error) {
      if (error instanceof DomainError && error.code === 'git.revision_missing') return true;
      throw error;
    }
  }

  async function skip(repository: RepositoryRecord, revision: string, paths: readonly string[]): Promise<void> {
    await inTransaction(db, async transaction => {
      await updateRepository(transaction, repository.id, { seenRevision: revision });
      await appendEvent(transaction, {
        type: 'revision.skipped',
        at: clock(),
        repositoryId: repository.id,
        data: { revision, paths },
      });
    });
  }

  return async (repository, head, seenAtMs, signal) => {
    const mirror = options.mirrorOf(repository);
    const { paths, everyCommit, tags } = sourceOptionsOf(repository);
    // What another branch was at says nothing of this one's history.
    const before = branchStateOf(repository).isFresh ? null : repository.currentRevision;
    // Pinned by a ref of ours: the job can still run when the branch moves on or is deleted.
    const take = (revision: string) =>
      mirror.fetch({ branch: repository.branch, revision, pinRef: `refs/slipway/${revision}`, signal });
    await take(head);
    const goesOn = before !== null && tags === null && (await isOnBranch(mirror, before, head));
    if (before !== null && tags === null && !goesOn) {
      await cancelLeft(repository, mirror, head);
      await noteBranch(db, repository, { kind: 'rewritten', from: before, to: head }, clock());
    }
    const news = everyCommit && goesOn ? await mirror.commitsBetween(before, head, maxCommitsAtOnce) : [head];
    let previous = tags === null ? before : null;
    for (const revision of news) {
      if (previous !== null && paths.length > 0 && !(await touches(mirror, previous, revision, paths))) {
        await skip(repository, revision, paths);
      } else {
        if (revision !== head) await take(revision);
        await enqueue(repository, await mirror.readCommit(revision), revision, seenAtMs);
      }
      previous = revision;
    }
    options.onQueued();
  };
}
