/** Owns whether this browser shows the alerts that the engine raises. Which those are, the engine decides. */
import { createStore } from 'zustand/vanilla';
import { type Alert, alertSchema } from '../../src-main/contract/alerts.ts';
import type { Push } from '../../src-main/contract/events.ts';

const storageKey = 'slipway-alerts';

/** Whether this browser shows any; off until a person turns it on. */
export const alertStore = createStore<{ readonly enabled: boolean }>(() => ({ enabled: false }));

/** The alert of a push, and what it is of: a newer one of the same takes its place. Null for what is none. */
export function alertOf(push: Push): { readonly alert: Alert; readonly tag: string } | null {
  if (push.kind !== 'event' || push.event.type !== 'alert.raised') return null;
  const read = alertSchema.safeParse(push.event.data);
  return read.success ? { alert: read.data, tag: `slipway-${push.event.repositoryId ?? 'engine'}` } : null;
}

/** Asks the system where it must be asked; false where it refuses. */
export async function enableAlerts(enabled: boolean): Promise<boolean> {
  const isAllowed =
    !enabled || ('Notification' in globalThis && (await Notification.requestPermission()) === 'granted');
  alertStore.setState({ enabled: enabled && isAllowed });
  localStorage.setItem(storageKey, alertStore.getState().enabled ? 'on' : 'off');
  return isAllowed;
}

/** Shows alerts of what `listen` tells from now on; returns the end of it. */
export function startAlerts(listen: (listener: (push: Push) => void) => () => void): () => void {
  alertStore.setState({ enabled: globalThis.localStorage?.getItem(storageKey) === 'on' });
  return listen(push => {
    const raised = alertOf(push);
    if (raised && alertStore.getState().enabled) show(raised.alert, raised.tag);
  });
}

function show({ title, body, hash }: Alert, tag: string): void {
  const shown = new Notification(title, { body, tag });
  shown.onclick = () => {
    window.focus();
    location.hash = hash;
  };
}
