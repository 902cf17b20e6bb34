/** Owns what is told of a waiting job: its place, why it waits, when it should begin. */

import type { JobMark, WaitingReason } from '../../contract/waiting.ts';
import type { JobRecord } from '../../database/jobs.ts';
import { errorFromJson } from '../../database/json-column.ts';
import type { Db } from '../../database/open-database.ts';
import { lastAttemptError, placeOf, type WaitingJob } from '../../database/waiting-jobs.ts';
import { isDue } from '../../domain/backoff.ts';
import { longestRetryMs } from '../../domain/job-retry.ts';
import { forecastStarts, startByRate } from '../../domain/queue-forecast.ts';
import { whyWaiting } from '../../domain/waiting.ts';
import type { Engine } from '../../engine.ts';
import { stillMissing } from '../../toolchains/missing-tools.ts';
import type { Snapshot } from './snapshot.ts';

export interface Waiting {
  /** From 1; null where more than 10,000 are in front. */
  readonly position: number | null;
  readonly reason: WaitingReason;
  /** UTC milliseconds; null where history does not tell. */
  readonly etaMs: number | null;
}

/** When a running job should end, UTC milliseconds; null without history. */
export function endsAt(snapshot: Snapshot, job: JobRecord): number | null {
  const usual = snapshot.usualMs.get(job.repositoryId);
  return usual === undefined || job.startedAt === null ? null : Math.max(snapshot.now, job.startedAt + usual);
}

/** The time that a job waits for; 0 where the queue serves it now, also because a clock was set. */
function timeOf({ notBefore }: WaitingJob, now: number): number {
  return isDue(notBefore, now, longestRetryMs) ? 0 : notBefore;
}

/** How many jobs of a repository may run at once. */
function capOf({ repositories }: Snapshot, repositoryId: string): number {
  return repositories.get(repositoryId)?.concurrency ?? 1;
}

/** What is worked out once for all jobs of a snapshot. */
interface Queue {
  readonly places: ReadonlyMap<string, number>;
  readonly firstOf: ReadonlyMap<string, WaitingJob>;
  readonly starts: ReadonlyMap<string, number>;
  readonly missing: Map<string, Promise<string | null>>;
}

const queues = new WeakMap<Snapshot, Queue>();

function queueOf(snapshot: Snapshot): Queue {
  const known = queues.get(snapshot);
  if (known) return known;
  const { now, queued, running, workers, usualMs } = snapshot;
  const firstOf = new Map<string, WaitingJob>();
  for (const job of queued) if (!firstOf.has(job.repositoryId)) firstOf.set(job.repositoryId, job);
  const queue: Queue = {
    places: new Map(queued.map((job, index) => [job.id, index + 1])),
    firstOf,
    starts: forecastStarts({
      now,
      workers: workers.length,
      running: running.map(job => ({ repositoryId: job.repositoryId, endsAt: endsAt(snapshot, job) })),
      waiting: queued.map(job => ({ ...job, notBefore: timeOf(job, now) })),
      capOf: id => capOf(snapshot, id),
      usualMsOf: id => usualMs.get(id) ?? null,
    }),
    missing: new Map(),
  };
  queues.set(snapshot, queue);
  return queue;
}

const mark = ({ id, number, revision }: JobMark): JobMark => ({ id, number, revision });

/** What the repository's newest attempt lacked and is missing still, looked at once for each snapshot. */
function missingTool(db: Db, snapshot: Snapshot, job: JobRecord): Promise<string | null> {
  const { missing, firstOf } = queueOf(snapshot);
  const known = missing.get(job.repositoryId);
  if (known) return known;
  const first = firstOf.get(job.repositoryId)?.number ?? job.number;
  const words = lastAttemptError(db, job.repositoryId, first).then(error =>
    stillMissing(errorFromJson(error), snapshot.now),
  );
  missing.set(job.repositoryId, words);
  return words;
}

export async function waitingOf(
  { db, pool }: Pick<Engine, 'db'> & { readonly pool: Pick<Engine['pool'], 'paused'> },
  snapshot: Snapshot,
  job: JobRecord,
): Promise<Waiting> {
  const { places, firstOf, starts } = queueOf(snapshot);
  const { now, queued, running, workers } = snapshot;
  const played = places.get(job.id);
  const position = played ?? (await placeOf(db, job));
  const first = firstOf.get(job.repositoryId);
  const inFront = played === undefined ? undefined : queued[played - 2];
  const isPaused = pool.paused;
  const reason = whyWaiting({
    isPaused,
    workers: workers.length,
    busyWorkers: running.length,
    missingTool: await missingTool(db, snapshot, job),
    notBefore: first ? { atMs: timeOf(first, now), cause: errorFromJson(first.error)?.code ?? 'a failure' } : null,
    firstOfOwn: first && first.id !== job.id ? mark(first) : null,
    ownRunning: running.filter(other => other.repositoryId === job.repositoryId).map(mark),
    cap: capOf(snapshot, job.repositoryId),
    inFront: inFront ? mark(inFront) : null,
    now,
  });
  const byRate = position === null ? null : startByRate(starts, queued.length, position, now);
  const etaMs = played === undefined ? byRate : (starts.get(job.id) ?? null);
  return { position, reason, etaMs: isPaused || workers.length === 0 ? null : etaMs };
}
