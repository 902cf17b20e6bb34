/** Owns when waiting jobs should begin: the queue played forward with the usual build times. No I/O. */

export interface QueueState {
  /** UTC milliseconds. */
  readonly now: number;
  readonly workers: number;
  /** `endsAt` is null where no history tells: then its worker is never seen free again. */
  readonly running: readonly { readonly repositoryId: string; readonly endsAt: number | null }[];
  /** The first waiting jobs in the order in which they are served. `notBefore` is 0, or the time before which it does not run. */
  readonly waiting: readonly { readonly id: string; readonly repositoryId: string; readonly notBefore: number }[];
  /** How many jobs of a repository may run at once. */
  readonly capOf: (repositoryId: string) => number;
  /** The usual build time in milliseconds; null without history. */
  readonly usualMsOf: (repositoryId: string) => number | null;
}

interface Line {
  readonly repositoryId: string;
  readonly cap: number;
  readonly usualMs: number | null;
  readonly jobs: { readonly id: string; readonly place: number; readonly notBefore: number }[];
  next: number;
  running: number;
}

function linesOf({ waiting, running, capOf, usualMsOf }: QueueState): Line[] {
  const lines = new Map<string, Line>();
  for (const [place, { id, repositoryId, notBefore }] of waiting.entries()) {
    let line = lines.get(repositoryId);
    if (!line) {
      line = {
        repositoryId,
        cap: capOf(repositoryId),
        usualMs: usualMsOf(repositoryId),
        jobs: [],
        next: 0,
        running: 0,
      };
      lines.set(repositoryId, line);
    }
    line.jobs.push({ id, place, notBefore });
  }
  for (const { repositoryId } of running) {
    const line = lines.get(repositoryId);
    if (line) line.running += 1;
  }
  return [...lines.values()];
}

/** The line that a free worker serves at `time`: of those that may run, the one whose first job stands furthest in front. */
function served(lines: readonly Line[], time: number): Line | null {
  let best: Line | null = null;
  let bestPlace = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const head = line.jobs[line.next];
    if (head === undefined || line.running >= line.cap || head.notBefore > time || head.place >= bestPlace) continue;
    best = line;
    bestPlace = head.place;
  }
  return best;
}

/**
 * The expected start of each waiting job by its id, in UTC milliseconds, never before now; jobs whose start depends on a build
 * without history are left out. Costs waiting jobs × repositories among them.
 */
export function forecastStarts(queue: QueueState): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  const lines = linesOf(queue);
  const lineOf = new Map(lines.map(line => [line.repositoryId, line]));
  let ends = queue.running.flatMap(({ repositoryId, endsAt }) =>
    endsAt === null ? [] : [{ repositoryId, at: endsAt }],
  );
  let busy = queue.running.length;
  let time = queue.now;
  for (;;) {
    const line = busy < queue.workers ? served(lines, time) : null;
    const job = line?.jobs[line.next];
    if (line && job) {
      starts.set(job.id, time);
      line.next += 1;
      line.running += 1;
      busy += 1;
      if (line.usualMs !== null) ends.push({ repositoryId: line.repositoryId, at: time + line.usualMs });
      continue;
    }
    if (starts.size === queue.waiting.length) return starts;
    const wakes = lines.map(({ jobs, next }) => jobs[next]?.notBefore ?? 0).filter(at => at > time);
    const next = Math.min(...ends.map(({ at }) => at), ...wakes);
    if (next === Number.POSITIVE_INFINITY) return starts;
    time = Math.max(time, next);
    for (const { repositoryId } of ends.filter(({ at }) => at <= time)) {
      busy -= 1;
      const ended = lineOf.get(repositoryId);
      if (ended) ended.running -= 1;
    }
    ends = ends.filter(({ at }) => at > time);
  }
}

/**
 * The expected start of the job at `place` (from 1) behind the `played` ones, at the rate at which those begin.
 * Null unless the start of every one of them is known.
 */
export function startByRate(
  starts: ReadonlyMap<string, number>,
  played: number,
  place: number,
  now: number,
): number | null {
  if (played === 0 || starts.size < played) return null;
  let last = now;
  for (const at of starts.values()) last = Math.max(last, at);
  return Math.round(last + ((last - now) / played) * Math.max(0, place - played));
}
