/** Owns which events a person is told of afterwards, in which words, and where they lead. Knows no component. */
import { type BranchChange, branchChangeSchema, describeChange } from '../../src-main/contract/branch-state.ts';
import type { EngineEvent } from '../../src-main/contract/events.ts';
import type { VisualState } from '../../src-main/contract/views/state.ts';
import { type Route, routeHref } from './route.ts';

export interface Notice {
  readonly cursor: number;
  readonly atMs: number;
  readonly state: VisualState;
  /** What happened: `A build failed`. */
  readonly title: string;
  /** The engine's own words, where it gave some. */
  readonly detail: string | null;
  readonly repositoryId: string | null;
  readonly jobId: string | null;
  readonly href: string;
}

/** Enough to look back over a bad night; older failures stay in the lists that they belong to. */
export const mostNotices = 200;

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** The words that an event carries: a message, an error's message, a reason; at least an error's code. */
function detailOf(data: EngineEvent['data']): string | null {
  const error = data.error;
  const message = error !== null && typeof error === 'object' && 'message' in error ? text(error.message) : null;
  return message ?? text(data.message) ?? text(data.reason) ?? text(error);
}

function routeOf(event: EngineEvent, view: 'job' | 'repository'): Route {
  if (view === 'job' && event.jobId) return { view: 'job', jobId: event.jobId };
  if (event.repositoryId) return { view: 'repository', repositoryId: event.repositoryId };
  return { view: 'overview' };
}

function finishedJob(event: EngineEvent): Pick<Notice, 'state' | 'title'> | null {
  if (event.data.status === 'failed') return { state: 'failed', title: 'A build failed' };
  if (event.data.status === 'interrupted') return { state: 'stale', title: 'A build was cut off and needs you' };
  return null;
}

function lostWorker({ data }: EngineEvent): string {
  if (data.status === 'queued') return 'A worker was lost; its job went back to the queue';
  return typeof data.status === 'string' ? `A worker was lost; its job is ${data.status}` : 'A worker was lost';
}

/** Null for a change that a person made, and for one that is good news. */
const branchTitles: Readonly<Record<BranchChange['change'], string | null>> = {
  gone: 'A watched branch is gone',
  rewritten: 'A forced push replaced the history of a branch',
  default: 'The default branch of a repository has changed',
  back: null,
  chosen: null,
};

/** The notice of an event; null for all that is in good order. */
export function noticeOf(event: EngineEvent): Notice | null {
  const make = (state: VisualState, title: string, route: Route): Notice => ({
    cursor: event.cursor,
    atMs: event.atMs,
    state,
    title,
    detail: detailOf(event.data),
    repositoryId: event.repositoryId,
    jobId: event.jobId,
    href: routeHref(route),
  });
  switch (event.type) {
    case 'job.finished': {
      const ended = finishedJob(event);
      return ended ? make(ended.state, ended.title, routeOf(event, 'job')) : null;
    }
    case 'branch.changed': {
      const change = branchChangeSchema.safeParse(event.data).data;
      const title = change === undefined ? null : branchTitles[change.change];
      if (change === undefined || title === null) return null;
      return { ...make('stale', title, routeOf(event, 'repository')), detail: describeChange(change) };
    }
    case 'poll.failed':
      // Told as what happened to the branch.
      if (event.data.code === 'git.branch_missing') return null;
      return make('failed', 'A repository cannot be read', routeOf(event, 'repository'));
    case 'replica.failed':
      return make('failed', 'A copy to a region failed', { view: 'regions' });
    case 'replica.stale':
      return make('stale', 'A copy in a region is not what it should be', { view: 'regions' });
    case 'release.refused':
      return make('stale', 'A release was refused', routeOf(event, 'repository'));
    case 'release.migration': {
      const { state } = event.data;
      return state === 'failed' || state === 'interrupted'
        ? make(
            'failed',
            `A migration ${state === 'failed' ? 'failed' : 'was interrupted'}`,
            routeOf(event, 'repository'),
          )
        : null;
    }
    case 'release.rollout':
      return event.data.state === 'stopped' ? make('failed', 'A rollout stopped', routeOf(event, 'repository')) : null;
    case 'machine.failed':
      return make('failed', `${text(event.data.name) ?? 'A machine'} could not run a release`, { view: 'machines' });
    case 'worker.lost':
      return make('stale', lostWorker(event), routeOf(event, 'job'));
    case 'swarm.lost':
      return make('stale', 'The seeding process was lost; another one takes its place', { view: 'swarm' });
    case 'drill.finished':
      return event.data.holds === true
        ? make('verified', 'The crash drill passed', routeOf(event, 'job'))
        : make('failed', 'The crash drill failed', routeOf(event, 'job'));
    default:
      return null;
  }
}

/** Adds the notices of events, newest first, each event once. */
export function addNotices(notices: readonly Notice[], events: readonly EngineEvent[]): readonly Notice[] {
  const known = new Set(notices.map(notice => notice.cursor));
  const fresh = events
    .filter(event => !known.has(event.cursor))
    .map(noticeOf)
    .filter(notice => notice !== null);
  if (fresh.length === 0) return notices;
  return [...notices, ...fresh].sort((left, right) => right.cursor - left.cursor).slice(0, mostNotices);
}
