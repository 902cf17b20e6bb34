/** Owns the start of the interface: theme before the first paint, then the connection, then the views. */
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startDesktop } from './commands/desktop.ts';
import { startShortcuts } from './commands/shortcuts.ts';
import { startLive } from './state/live.ts';
import { startTheme } from './state/theme.ts';

startTheme();
startLive();
startShortcuts();
startDesktop();

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
