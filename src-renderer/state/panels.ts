/** Owns which panel of the shell is open. */
import { createStore } from 'zustand/vanilla';

export type Panel = 'palette' | 'notices' | 'add-repository';

export const panelStore = createStore<{ readonly open: Panel | null }>(() => ({ open: null }));

/** Opens a panel in place of whichever is open. */
export function openPanel(panel: Panel): void {
  panelStore.setState({ open: panel });
}

/** Closes the open panel, or only the one that is named. */
export function closePanel(panel?: Panel): void {
  if (panel && panelStore.getState().open !== panel) return;
  panelStore.setState({ open: null });
}
