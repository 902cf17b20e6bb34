/** Owns what must hold of every history, however many processes died: the queue's promises, each as one check. No I/O. */
import type { EventRow, History, JobRow } from './history.ts';
import type { SideEntry } from './side-log.ts';

export interface Expected {
  readonly repositories: readonly string[];
  /** Revisions that each repository had, all of them to be queued. */
  readonly revisions: number;
}

export type Promised =
  | 'nothing lost'
  | 'nothing finished twice'
  | 'nothing published twice'
  | 'first in, first out'
  | 'fenced attempts wrote nothing'
  | 'the file is whole';

export interface Violation {
  readonly promise: Promised;
  readonly what: string;
}

export const promises: readonly Promised[] = [
  'nothing lost',
  'nothing finished twice',
  'nothing published twice',
  'first in, first out',
  'fenced attempts wrote nothing',
  'the file is whole',
];

const finalStates = new Set(['succeeded', 'failed', 'cancelled', 'interrupted']);

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, readonly Item[]> {
  return Map.groupBy(items, keyOf);
}

/** Every violation of every promise. An empty list is a history in which nothing went wrong. */
export function checkHistory(history: History, expected: Expected): Violation[] {
  const events = groupBy(history.events, event => event.job_id ?? '');
  return [
    ...lost(history, expected, events),
    ...finishedTwice(history, events),
    ...publishedTwice(history, events),
    ...outOfOrder(history),
    ...fencedWrites(history, events),
    ...damage(history),
  ];
}

type EventsOfJobs = ReadonlyMap<string, readonly EventRow[]>;

const countOf = (events: readonly EventRow[] | undefined, type: string) =>
  events?.filter(event => event.type === type).length ?? 0;

function lost(history: History, expected: Expected, events: EventsOfJobs): Violation[] {
  const found: string[] = [];
  const revisions = groupBy(history.jobs, job => `${job.repository_id} ${Number.parseInt(job.revision, 16)}`);
  for (const repository of expected.repositories) {
    for (let place = 0; place < expected.revisions; place += 1) {
      const count = revisions.get(`${repository} ${place}`)?.length ?? 0;
      if (count !== 1) found.push(`revision ${place} of ${repository} has ${count} jobs`);
    }
  }
  for (const name of history.acknowledged) {
    if (!revisions.has(name)) found.push(`the acknowledged revision ${name} has no job`);
  }
  for (const job of history.jobs) {
    if (!finalStates.has(job.status)) found.push(`job ${job.number} never ended: it is ${job.status}`);
    if (countOf(events.get(job.id), 'job.finished') === 0) found.push(`no event tells of the end of job ${job.number}`);
  }
  return found.map(what => ({ promise: 'nothing lost', what }));
}

function finishedTwice(history: History, events: EventsOfJobs): Violation[] {
  const found: string[] = [];
  const attempts = groupBy(history.attempts, attempt => attempt.job_id);
  for (const job of history.jobs) {
    const ends = countOf(events.get(job.id), 'job.finished');
    if (ends > 1) found.push(`job ${job.number} finished ${ends} times`);
    const own = attempts.get(job.id) ?? [];
    if (own.length !== job.attempt || own.some(({ attempt }, index) => attempt !== index + 1)) {
      found.push(
        `job ${job.number} has attempts ${own.map(({ attempt }) => attempt)} where 1 to ${job.attempt} belong`,
      );
    }
    for (const { attempt, outcome } of own) {
      if (outcome === 'running') found.push(`attempt ${attempt} of job ${job.number} never ended`);
      if (attempt < job.attempt && outcome !== 'lost') {
        found.push(`attempt ${attempt} of job ${job.number} was ${outcome}, and yet it ran again`);
      }
      const starts = events.get(job.id)?.filter(event => event.type === 'job.started' && event.attempt === attempt);
      if (starts?.length !== 1)
        found.push(`attempt ${attempt} of job ${job.number} began ${starts?.length ?? 0} times`);
    }
  }
  return found.map(what => ({ promise: 'nothing finished twice', what }));
}

function publishedTwice(history: History, events: EventsOfJobs): Violation[] {
  const found: string[] = [];
  const builds = groupBy(history.builds, build => build.job_id);
  const markers = groupBy(
    history.sideLog.filter(entry => entry.what === 'published'),
    entry => entry.jobId,
  );
  for (const job of history.jobs) {
    const own = builds.get(job.id) ?? [];
    const wanted = job.status === 'succeeded' ? 1 : 0;
    if (own.length !== wanted) found.push(`job ${job.number} ${job.status}, with ${own.length} builds`);
    if (own.some(build => build.attempt !== job.attempt)) {
      found.push(`the build of job ${job.number} is of another attempt than its last`);
    }
    const stored = countOf(events.get(job.id), 'build.stored');
    if (stored !== wanted) found.push(`job ${job.number} ${job.status}, and ${stored} events tell of its build`);
    const marked = markers.get(job.id) ?? [];
    if (marked.length > wanted || marked.some(({ attempt }) => attempt !== job.attempt)) {
      found.push(`job ${job.number} was published by attempts ${marked.map(({ attempt }) => attempt)}`);
    }
  }
  return found.map(what => ({ promise: 'nothing published twice', what }));
}

/** Within a repository the jobs run one after another in the order of their numbers: by the events, and by what their processes wrote. */
function outOfOrder(history: History): Violation[] {
  const found: string[] = [];
  const jobs = new Map(history.jobs.map(job => [job.id, job]));
  const open = new Map<string, JobRow>();
  const last = new Map<string, number>();
  for (const event of history.events) {
    const job = jobs.get(event.job_id ?? '');
    if (!job) continue;
    const before = open.get(job.repository_id);
    if (event.type === 'job.started') {
      if (before && before.id !== job.id) found.push(`job ${job.number} began before job ${before.number} had ended`);
      if (job.number < (last.get(job.repository_id) ?? 0)) found.push(`job ${job.number} began after a later one`);
      open.set(job.repository_id, job);
      last.set(job.repository_id, job.number);
    }
    if (event.type === 'job.finished' && before?.id === job.id) open.delete(job.repository_id);
  }
  const lastWritten = new Map<string, number>();
  for (const entry of ofChildren(history.sideLog)) {
    const job = jobs.get(entry.jobId);
    if (!job) {
      found.push(`a process of the unknown job ${entry.jobId} ran`);
      continue;
    }
    const previous = lastWritten.get(job.repository_id) ?? 0;
    if (job.number < previous) found.push(`a process of job ${job.number} ran after one of job ${previous}`);
    lastWritten.set(job.repository_id, job.number);
  }
  return found.map(what => ({ promise: 'first in, first out', what }));
}

const ofChildren = (entries: readonly SideEntry[]) => entries.filter(entry => entry.what !== 'published');

/** Once an attempt is no longer the one that runs, neither its worker nor its processes write anything. */
function fencedWrites(history: History, events: EventsOfJobs): Violation[] {
  const found: string[] = [];
  const written = groupBy(ofChildren(history.sideLog), entry => entry.jobId);
  for (const job of history.jobs) {
    let current = 0;
    for (const { type, attempt } of events.get(job.id) ?? []) {
      if (type === 'job.queued' || type === 'revision.seen' || type === 'build.stored' || attempt === null) continue;
      if (type === 'job.started') current = attempt;
      else if (attempt !== current)
        found.push(`attempt ${attempt} of job ${job.number} wrote ${type} when it was fenced`);
      if (type === 'job.requeued' || type === 'job.finished') current = 0;
    }
    let latest = 0;
    const lines = new Set<string>();
    for (const { what, attempt } of written.get(job.id) ?? []) {
      if (attempt < latest)
        found.push(`a process of attempt ${attempt} of job ${job.number} ran beside attempt ${latest}`);
      latest = attempt;
      if (lines.has(`${what} ${attempt}`)) found.push(`attempt ${attempt} of job ${job.number} ${what} twice`);
      lines.add(`${what} ${attempt}`);
    }
    if (job.status === 'succeeded' && !(lines.has(`began ${job.attempt}`) && lines.has(`ended ${job.attempt}`))) {
      found.push(`job ${job.number} succeeded, but its step did not run to its end`);
    }
  }
  return found.map(what => ({ promise: 'fenced attempts wrote nothing', what }));
}

function damage(history: History): Violation[] {
  const found: string[] = [];
  if (history.integrity !== 'ok') found.push(`integrity_check says ${history.integrity}`);
  if (history.brokenForeignKeys > 0) found.push(`${history.brokenForeignKeys} foreign keys point nowhere`);
  if (history.openSteps > 0) found.push(`${history.openSteps} steps never ended`);
  if (history.openWorkers > 0) found.push(`${history.openWorkers} workers are shown as living when all have ended`);
  return found.map(what => ({ promise: 'the file is whole', what }));
}
