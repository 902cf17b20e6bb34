/** Owns which builds a person is told of by the system: failures and recoveries, once each, as the repository's switches say. */
import { createStore } from 'zustand/vanilla';
import type { Push } from '../../src-main/contract/events.ts';
import { routeHref } from './route.ts';

export interface AlertSwitches {
  readonly failure: boolean;
  readonly recovery: boolean;
}

/** What each repository's newest build did: nothing is told twice, and a recovery only after a failure. */
export type Outcomes = ReadonlyMap<string, 'failed' | 'succeeded'>;

export interface Alert {
  readonly kind: keyof AlertSwitches;
  readonly repositoryId: string;
  readonly jobId: string;
}

export interface AlertsState {
  /** Whether this computer shows any. */
  readonly enabled: boolean;
  /** Of repositories that differ from `both`. */
  readonly repositories: Readonly<Record<string, AlertSwitches>>;
}

const storageKey = 'slipway-alerts';
const both: AlertSwitches = { failure: true, recovery: true };

export const alertStore = createStore<AlertsState>(() => ({ enabled: false, repositories: {} }));

export const switchesOf = (state: AlertsState, repositoryId: string): AlertSwitches =>
  state.repositories[repositoryId] ?? both;

/** What a push means for a person, and what is known after it. */
export function alertOf(push: Push, known: Outcomes): { readonly alert: Alert | null; readonly outcomes: Outcomes } {
  if (push.kind !== 'event' || push.event.type !== 'job.finished') return { alert: null, outcomes: known };
  const { repositoryId, jobId, data } = push.event;
  const outcome =
    data.status === 'succeeded'
      ? 'succeeded'
      : data.status === 'failed' || data.status === 'interrupted'
        ? 'failed'
        : null;
  // A drill has no repository that anybody watches; what was cancelled says nothing of the code.
  if (repositoryId === null || jobId === null || outcome === null) return { alert: null, outcomes: known };
  const before = known.get(repositoryId);
  const outcomes = new Map(known).set(repositoryId, outcome);
  if (outcome === 'failed') {
    return { alert: before === 'failed' ? null : { kind: 'failure', repositoryId, jobId }, outcomes };
  }
  return { alert: before === 'failed' ? { kind: 'recovery', repositoryId, jobId } : null, outcomes };
}

function readState(text: string | null): AlertsState {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value !== 'object' || value === null) return { enabled: false, repositories: {} };
    const repositories = 'repositories' in value && typeof value.repositories === 'object' ? value.repositories : {};
    const kept = Object.entries(repositories ?? {}).flatMap(([id, one]: [string, unknown]) =>
      typeof one === 'object' && one !== null && 'failure' in one && 'recovery' in one
        ? [[id, { failure: one.failure === true, recovery: one.recovery === true }] as const]
        : [],
    );
    return { enabled: 'enabled' in value && value.enabled === true, repositories: Object.fromEntries(kept) };
  } catch {
    return { enabled: false, repositories: {} };
  }
}

function keep(state: AlertsState): void {
  alertStore.setState(state);
  localStorage.setItem(storageKey, JSON.stringify(state));
}

/** Asks the system where it must be asked; false where it refuses. */
export async function enableAlerts(enabled: boolean): Promise<boolean> {
  const isAllowed =
    !enabled || ('Notification' in globalThis && (await Notification.requestPermission()) === 'granted');
  keep({ ...alertStore.getState(), enabled: enabled && isAllowed });
  return isAllowed;
}

export function setSwitches(repositoryId: string, switches: AlertSwitches): void {
  const state = alertStore.getState();
  keep({ ...state, repositories: { ...state.repositories, [repositoryId]: switches } });
}

/** Shows alerts of what `listen` tells from now on; returns the end of it. `nameOf` gives a repository's name. */
export function startAlerts(
  listen: (listener: (push: Push) => void) => () => void,
  nameOf: (repositoryId: string) => Promise<string | null>,
): () => void {
  alertStore.setState(readState(globalThis.localStorage?.getItem(storageKey) ?? null));
  let outcomes: Outcomes = new Map();
  return listen(push => {
    const next = alertOf(push, outcomes);
    outcomes = next.outcomes;
    const state = alertStore.getState();
    const { alert } = next;
    if (alert === null || !state.enabled || !switchesOf(state, alert.repositoryId)[alert.kind]) return;
    void nameOf(alert.repositoryId).then(name => show(alert, name ?? 'A repository'));
  });
}

function show({ kind, repositoryId, jobId }: Alert, name: string): void {
  const title = kind === 'failure' ? `${name}: a build failed` : `${name} builds again`;
  // The tag makes the system put it in the place of an older one of the same repository.
  const shown = new Notification(title, { tag: `slipway-${repositoryId}` });
  shown.onclick = () => {
    window.focus();
    location.hash = routeHref({ view: 'job', jobId });
  };
}
