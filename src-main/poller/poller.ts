/** Owns when which repository is looked at. What a change becomes is new-revision's. */
import { DomainError, messageOf } from '../contract/errors.ts';
import { appendEvent } from '../database/events.ts';
import { errorToJson } from '../database/json-column.ts';
import type { Db } from '../database/open-database.ts';
import { findRepository, listRepositories, type RepositoryRecord, updateRepository } from '../database/repositories.ts';
import { backoffMs, isDue, longestBackoffMs, pollBackoff } from '../domain/backoff.ts';
import type { Clock } from '../domain/clock.ts';
import { branchMissing } from '../sources/git-errors.ts';
import { listRefs } from '../sources/list-refs.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { NewRevision } from './new-revision.ts';

/** Every ten seconds, as people are told; a push is seen within this and the time of one request. */
export const pollIntervalMs = 10_000;
/** Well below the interval, so that a hanging host cannot hold its repository longer than two polls. */
const pollTimeoutMs = 8_000;
/** Requests under way at once; the rest of the due repositories wait their turn. */
const maxInFlight = 8;
const tickMs = 250;

export interface Poller {
  start(): void;
  stop(): Promise<void>;
  /** Looks at a repository now, and waits for the result. Its error goes to the repository's row, not to the caller. */
  pollNow(repositoryId: string): Promise<void>;
}

export function createPoller(options: {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly newRevision: NewRevision;
  readonly onChanged: () => void;
}): Poller {
  const { db, clock, logger } = options;
  const inFlight = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let ticking: Promise<void> = Promise.resolve();

  async function poll(repository: RepositoryRecord): Promise<void> {
    const startedAt = clock();
    let failure: DomainError | null = null;
    try {
      const refs = await listRefs({
        url: repository.url,
        branch: repository.branch,
        timeoutMs: pollTimeoutMs,
        signal: stopping.signal,
      });
      const branch = refs.branches.find(candidate => candidate.name === repository.branch);
      if (!branch) throw branchMissing(repository.url, repository.branch);
      if (branch.revision !== repository.currentRevision) {
        await options.newRevision(repository, branch.revision, startedAt, stopping.signal);
      }
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!(error instanceof DomainError)) logger.error('poll.unexpected', { repositoryId: repository.id, error });
      failure =
        error instanceof DomainError
          ? error
          : new DomainError('internal', `Looking at ${repository.url} failed: ${messageOf(error)}.`);
    }
    await record(repository, failure);
  }

  async function record(repository: RepositoryRecord, failure: DomainError | null): Promise<void> {
    const now = clock();
    const failures = failure ? repository.pollFailures + 1 : 0;
    const wait = failure ? backoffMs(pollBackoff, failures, Math.random()) : options.intervalMs;
    await updateRepository(db, repository.id, {
      checkupAt: now,
      nextPollAt: now + (failure ? Math.max(options.intervalMs, wait) : wait),
      pollFailures: failures,
      pollError: failure ? errorToJson(failure) : null,
    });
    const about = { at: now, repositoryId: repository.id };
    if (failure && (repository.pollError === null || JSON.parse(repository.pollError).code !== failure.code)) {
      await appendEvent(db, {
        ...about,
        type: 'poll.failed',
        data: { code: failure.code, message: failure.message },
      });
      options.onChanged();
    }
    if (!failure && repository.pollError !== null) {
      await appendEvent(db, { ...about, type: 'poll.recovered' });
      options.onChanged();
    }
  }

  function begin(repository: RepositoryRecord): Promise<void> {
    const running = inFlight.get(repository.id);
    if (running) return running;
    const started = poll(repository)
      .catch(error => logger.error('poll.failed_unexpectedly', { repositoryId: repository.id, error }))
      .finally(() => inFlight.delete(repository.id));
    inFlight.set(repository.id, started);
    return started;
  }

  async function tick(): Promise<void> {
    const now = clock();
    const longestMs = Math.max(options.intervalMs, longestBackoffMs(pollBackoff));
    for (const repository of await listRepositories(db)) {
      if (inFlight.size >= maxInFlight) return;
      if (isDue(repository.nextPollAt, now, longestMs)) void begin(repository);
    }
  }

  const schedule = () => {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      ticking = tick()
        .catch(error => logger.error('poller.failed', { error }))
        .finally(schedule);
    }, tickMs);
  };

  return {
    start: schedule,
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await ticking;
      await Promise.all(inFlight.values());
    },
    async pollNow(repositoryId) {
      const running = inFlight.get(repositoryId);
      if (running) await running;
      const repository = await findRepository(db, repositoryId);
      if (!repository) throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
      await begin(repository);
    },
  };
}
