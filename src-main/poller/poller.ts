/** Owns the looks at repositories: each when it is due, and what it found. What a change becomes is new-revision's. */
import { DomainError, messageOf } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import { errorToJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import {
  branchStateOf,
  findRepository,
  listRepositories,
  type RepositoryRecord,
  sourceOptionsOf,
} from '../database/repositories.ts';
import { listSeenTags, recordSeenTags } from '../database/seen-tags.ts';
import { type BranchLook, successorOf } from '../domain/branch-state.ts';
import type { Clock } from '../domain/clock.ts';
import { afterAnswer, afterHostFailure, afterRefusal, type RateLimit } from '../domain/poll-host.ts';
import { branchGone } from '../sources/git-errors.ts';
import type { RemoteRefs } from '../sources/list-refs.ts';
import { listTags } from '../sources/list-tags.ts';
import type { RemoteAccess } from '../sources/remote-access.ts';
import { listSource, sourceSignature } from '../sources/source.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { NewRevision } from './new-revision.ts';
import { noteBranch } from './note-branch.ts';
import { createPollRecords } from './poll-records.ts';
import { createPollSchedule, type HostView, type Watched } from './poll-schedule.ts';

/** Every ten seconds, as people are told; a push is seen within this and the time of one request. */
export const pollIntervalMs = 10_000;
/** Well below the interval, so that a hanging host cannot hold its repository longer than two polls. */
const pollTimeoutMs = 8_000;
const tickMs = 100;
/** How soon a repository that was added, removed or changed is noticed without a word. */
const reloadEveryMs = 2_000;
/** However still the files of a repository on this machine look. */
const listLocalEveryMs = 60_000;
/** How often all branches are listed while the one that is watched is gone: what it became may come later. */
const listGoneEveryMs = 60_000;
/** How often the default branch is asked for where a look does not tell it: two more requests each time. */
const askDefaultEveryMs = 10 * 60_000;
/** Failures that say something of the host and nothing of the repository. */
const hostFailures = new Set(['git.unreachable', 'git.timeout']);

/** New tags of one look that become jobs, the newest of them. */
const maxTagsAtOnce = 100;

interface Found {
  /** What is new, in the order in which it becomes jobs. */
  readonly revisions: readonly string[];
  readonly limit: RateLimit | null;
  /** Called when all of it has become jobs. */
  readonly taken?: () => Promise<void>;
}

/** A state that a look found, and no failure of the look: the next one comes as usual. */
function isBranchGone({ repository }: Watched, { code }: DomainError): boolean {
  return code === 'git.branch_missing' && branchStateOf(repository).gone !== null;
}

export interface PollPace {
  /** Between two looks at this repository, in milliseconds. */
  readonly paceMs: number;
  readonly host: HostView;
}

export interface Poller {
  start(): void;
  stop(): Promise<void>;
  /** Looks at a repository now, and waits for the result. Its error goes to the repository's row, not to the caller. */
  pollNow(repositoryId: string): Promise<void>;
  /** What failed on this host is due at once: `https://github.com`, as `hostOfUrl` names it. */
  lookAgain(host: string): void;
  /** How often a repository is looked at, and what its host says to that; null where it is not watched yet. */
  paceOf(repositoryId: string): PollPace | null;
}

export function createPoller(options: {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** How private repositories are opened. */
  readonly access?: RemoteAccess;
  readonly newRevision: NewRevision;
  readonly onChanged: () => void;
}): Poller {
  const { db, clock, logger } = options;
  const access = options.access === undefined ? {} : { access: options.access };
  const schedule = createPollSchedule(options.intervalMs);
  const records = createPollRecords(db, error => logger.error('polls.not_recorded', { error }));
  const looks = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let ticking: Promise<void> = Promise.resolve();
  let reloadedAt = Number.NEGATIVE_INFINITY;

  /** Where the branch is; null where the files of this machine's repository show that it is where it was. */
  async function findHead(one: Watched, startedAt: number): Promise<Found> {
    const { repository } = one;
    const { vcs, url, branch } = repository;
    const { tags } = sourceOptionsOf(repository);
    if (tags !== null) return findTags(one, tags);
    const { gone } = branchStateOf(repository);
    const signature = one.isLocal ? await sourceSignature(vcs, url, branch) : null;
    const isStill = one.failures === 0 && Math.abs(startedAt - one.listedAt) < listLocalEveryMs;
    if (signature !== null && signature === one.signature && isStill) {
      if (gone !== null) throw branchGone(url, branch, gone.successor);
      return { revisions: [], limit: null };
    }
    const refs = await listSource(vcs, { url, branch, timeoutMs: pollTimeoutMs, signal: stopping.signal, ...access });
    if (one.repository.branch === branch) one.signature = signature;
    const found = refs.branches.find(candidate => candidate.name === branch);
    if (!found) return noteGone(one, repository, refs, startedAt);
    one.listedAt = startedAt;
    const defaultBranch = refs.defaultBranch ?? (await askDefault(one, startedAt));
    await note(one, repository, { kind: 'there', defaultBranch });
    const isNew = found.revision !== repository.currentRevision;
    return {
      revisions: isNew ? [found.revision] : [],
      limit: refs.limit,
      taken: () => note(one, repository, { kind: 'taken' }),
    };
  }

  async function note(one: Watched, repository: RepositoryRecord, found: BranchLook): Promise<void> {
    const { branchState } = await noteBranch(db, repository, found, clock());
    // What is known of a branch that is no longer watched is no longer of use.
    if (one.repository.branch !== repository.branch || one.repository.branchState === branchState) return;
    one.repository = { ...one.repository, branchState };
    options.onChanged();
  }

  /** All branches with the default one; none of a repository that has become empty. */
  async function listWhole({ vcs, url }: RepositoryRecord): Promise<Pick<RemoteRefs, 'branches' | 'defaultBranch'>> {
    try {
      return await listSource(vcs, { url, timeoutMs: pollTimeoutMs, signal: stopping.signal, ...access });
    } catch (error) {
      if (error instanceof DomainError && error.code === 'git.empty') return { branches: [], defaultBranch: null };
      throw error;
    }
  }

  /** Throws `git.branch_missing`, always: with the branch that it probably became. */
  async function noteGone(
    one: Watched,
    repository: RepositoryRecord,
    refs: RemoteRefs,
    startedAt: number,
  ): Promise<never> {
    const { gone, defaultBranch: lastDefault } = branchStateOf(repository);
    let { defaultBranch } = refs;
    let successor = gone?.successor ?? null;
    const isLate = Math.abs(startedAt - one.listedAt) >= listGoneEveryMs;
    if (gone === null || isLate || (defaultBranch !== null && defaultBranch !== lastDefault)) {
      const whole = await listWhole(repository);
      // A revision of Subversion is of the whole repository, and says nothing of one branch.
      const lastRevision = repository.vcs === 'git' ? repository.currentRevision : null;
      successor = successorOf(whole.branches, whole.defaultBranch, lastRevision);
      defaultBranch = one.isLocal ? null : whole.defaultBranch;
      one.listedAt = startedAt;
    }
    await note(one, repository, { kind: 'gone', defaultBranch, successor });
    throw branchGone(repository.url, repository.branch, successor);
  }

  /** Where a look does not tell the default branch, now and then; null in between. */
  async function askDefault(one: Watched, startedAt: number): Promise<string | null> {
    if (one.isLocal || one.repository.vcs === 'svn') return null;
    const askedAt = one.defaultAskedAt;
    if (askedAt !== null && Math.abs(startedAt - askedAt) < askDefaultEveryMs) return null;
    one.defaultAskedAt = startedAt;
    // The first look at a server finds out what it speaks; the next one tells.
    return askedAt === null ? null : (await listWhole(one.repository)).defaultBranch;
  }

  /** Where new tags lead, or ones that were moved; at the first look of all those there are only where the newest does. */
  async function findTags(one: Watched, pattern: string): Promise<Found> {
    const { id, url } = one.repository;
    const { tags, limit } = await listTags({
      url,
      pattern,
      timeoutMs: pollTimeoutMs,
      signal: stopping.signal,
      ...access,
    });
    const signature = tags.map(({ name, revision }) => `${name} ${revision}`).join('\n');
    if (signature === one.signature) return { revisions: [], limit };
    const seen = await listSeenTags(db, id);
    const fresh = tags.filter(({ name, revision }) => seen.get(name) !== revision);
    const news = seen.size === 0 ? fresh.slice(-1) : fresh.slice(-maxTagsAtOnce);
    return {
      revisions: [...new Set(news.map(({ revision }) => revision))],
      limit,
      async taken() {
        await recordSeenTags(db, id, fresh);
        one.signature = signature;
      },
    };
  }

  async function look(one: Watched): Promise<void> {
    const startedAt = clock();
    const { repository } = one;
    let failure: DomainError | null = null;
    try {
      const { revisions, limit, taken } = await findHead(one, startedAt);
      answered(one, limit);
      for (const revision of revisions) {
        // Of another branch by now: the next look finds what is new of that.
        if (one.repository.branch !== repository.branch) break;
        one.changedAt = clock();
        await options.newRevision(one.repository, revision, startedAt, stopping.signal);
        one.repository = (await findRepository(db, repository.id)) ?? repository;
      }
      await taken?.();
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!(error instanceof DomainError)) logger.error('poll.unexpected', { repositoryId: repository.id, error });
      failure =
        error instanceof DomainError
          ? error
          : new DomainError('internal', `Looking at ${repository.url} failed: ${messageOf(error)}.`);
      // What the files showed was not acted on.
      if (!isBranchGone(one, failure)) one.signature = null;
      failed(one, failure);
    }
    await record(one, startedAt, failure);
  }

  function answered(one: Watched, limit: RateLimit | null): void {
    const now = clock();
    const before = schedule.hostOf(one);
    schedule.setHost(
      one,
      afterAnswer(before, limit, untilMs => schedule.pollsUntil(one.host, now, untilMs), now),
    );
    if (before.failures > 0) schedule.hurry(one.host, now);
  }

  function failed(one: Watched, { code, details }: DomainError): void {
    const host = schedule.hostOf(one);
    if (code === 'git.rate_limited') {
      const wait = typeof details.retryAfterMs === 'number' ? details.retryAfterMs : null;
      schedule.setHost(one, afterRefusal(host, wait, clock()));
    } else if (hostFailures.has(code)) schedule.setHost(one, afterHostFailure(host));
  }

  async function record(one: Watched, startedAt: number, failure: DomainError | null): Promise<void> {
    const { repository } = one;
    const isFailure = failure !== null && !isBranchGone(one, failure);
    one.failures = isFailure ? one.failures + 1 : 0;
    schedule.end(one, isFailure ? clock() : startedAt, Math.random());
    const before = repository.pollError === null ? null : String(JSON.parse(repository.pollError).code);
    const pollError = failure ? errorToJson(failure) : null;
    one.repository = { ...one.repository, pollError };
    const now = clock();
    records.add({
      id: repository.id,
      checkupAt: now,
      nextPollAt: one.dueAt,
      pollFailures: one.failures,
      pollError,
    });
    if ((failure?.code ?? null) === before) return;
    await records.flush();
    const about = { at: now, repositoryId: repository.id };
    await appendEvent(
      db,
      failure
        ? { ...about, type: 'poll.failed', data: { code: failure.code, message: failure.message } }
        : { ...about, type: 'poll.recovered' },
    );
    options.onChanged();
  }

  function begin(one: Watched): Promise<void> {
    one.looking = true;
    const { id } = one.repository;
    const started = look(one)
      .catch(error => {
        schedule.end(one, clock(), Math.random());
        logger.error('poll.failed_unexpectedly', { repositoryId: id, error });
      })
      .finally(() => looks.delete(id));
    looks.set(id, started);
    return started;
  }

  async function tick(): Promise<void> {
    const now = clock();
    if (Math.abs(now - reloadedAt) >= reloadEveryMs) {
      reloadedAt = now;
      schedule.replace(await listRepositories(db), now);
    }
    for (const one of schedule.begin(clock())) void begin(one);
  }

  const plan = () => {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      ticking = tick()
        .catch(error => logger.error('poller.failed', { error }))
        .finally(plan);
    }, tickMs);
  };

  return {
    start: plan,
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await ticking;
      await Promise.all(looks.values());
      await records.stop();
    },
    async pollNow(repositoryId) {
      await looks.get(repositoryId);
      const repository = await findRepository(db, repositoryId);
      if (!repository) throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
      const one = schedule.take(repository);
      // Whoever asks suspects that something is new: the files are not trusted.
      one.signature = null;
      await (looks.get(repositoryId) ?? begin(one));
      await records.flush();
    },
    lookAgain: host => schedule.hurry(host, clock()),
    paceOf: repositoryId => schedule.paceOf(repositoryId, clock()),
  };
}
