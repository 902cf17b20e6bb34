/** Owns the choice of light or dark, kept on this computer. */
import { createStore } from 'zustand/vanilla';

export type Theme = 'system' | 'light' | 'dark';
const themes: readonly Theme[] = ['system', 'light', 'dark'];
const key = 'slipway-theme';

function stored(): Theme {
  const value = localStorage.getItem(key);
  return themes.find(theme => theme === value) ?? 'system';
}

export const themeStore = createStore<{ readonly theme: Theme }>(() => ({ theme: stored() }));

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Chooses a theme, at once and for the next start. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(key, theme);
  themeStore.setState({ theme });
  apply(theme);
}

/** Light when dark is shown and the other way round, whatever the system says. */
export function toggleTheme(): void {
  const { theme } = themeStore.getState();
  const dark = theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
  setTheme(dark ? 'light' : 'dark');
}

/** Shows the stored theme; called once, before the first paint. */
export function startTheme(): void {
  apply(themeStore.getState().theme);
}
