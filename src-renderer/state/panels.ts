/** Owns which panel of the shell is open. */
import { createStore } from 'zustand/vanilla';

export type Panel = 'palette' | 'notices' | 'add-repository';

export interface PanelState {
  readonly open: Panel | null;
  /** What a person brought to the panel: the source of a repository to add. */
  readonly given: string;
}

export const panelStore = createStore<PanelState>(() => ({ open: null, given: '' }));

/** Opens a panel in place of whichever is open. */
export function openPanel(panel: Panel, given = ''): void {
  panelStore.setState({ open: panel, given });
}

/** Closes the open panel, or only the one that is named. */
export function closePanel(panel?: Panel): void {
  if (panel && panelStore.getState().open !== panel) return;
  panelStore.setState({ open: null });
}
