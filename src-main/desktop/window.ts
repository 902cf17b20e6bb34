/** Owns the one window: where it opens, that closing it leaves the engine at work in the tray, and that a crash of its page brings it back. */
import { BrowserWindow, nativeTheme, screen } from 'electron';
import type { ToPage } from '../contract/shell.ts';
import { shellChannel } from '../contract/shell-channel.ts';
import { boundsOnScreen } from '../domain/shell/window-bounds.ts';
import { interfaceUrl } from '../host/interface-address.ts';
import { keepWindowState, readWindowState } from '../host/window-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { guardPage } from './guard.ts';

export interface AppWindow {
  readonly browserWindow: BrowserWindow;
  /** Shows the window, whether it is hidden, minimised, behind others or closed. */
  show(): void;
  tell(message: ToPage): void;
  /** Settles when the page has loaded; rejects when it cannot be. */
  readonly loaded: Promise<void>;
  /** From now on, closing closes. */
  release(): void;
}

/** The page's own colours before it paints: `--surface-base` of styles/tokens.css. */
const background = { dark: '#0e1417', light: '#fbfdfd' };
/** A page that crashes more often than this within a minute would crash again. */
const mostCrashes = 3;

/** Opens the window on the interface. To be called after the app is ready and `app:` is served. */
export function openWindow(options: {
  readonly preload: string;
  readonly icon: string;
  readonly hidden: boolean;
  readonly stateFile: string;
  readonly logger: Logger;
  /** The first close ever: say that the engine works on. */
  readonly onFirstClose: () => void;
  readonly onCrash: (isGivenUp: boolean) => void;
}): AppWindow {
  let mayClose = false;
  const kept = readWindowState(options.stateFile);
  const screens = screen.getAllDisplays().map(display => display.workArea);
  const bounds = (kept && boundsOnScreen(kept, screens)) ?? { width: 1280, height: 820 };
  const window = new BrowserWindow({
    title: 'Slipway',
    icon: options.icon,
    ...bounds,
    minWidth: 720,
    minHeight: 480,
    show: false,
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? background.dark : background.light,
    webPreferences: {
      preload: options.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  const { webContents } = window;
  guardPage(window, webContents);
  if (kept?.maximized && !options.hidden) window.maximize();

  let toldOfTray = kept?.toldOfTray ?? false;
  const keep = () => {
    const place = { ...window.getNormalBounds(), maximized: window.isMaximized() };
    keepWindowState(options.stateFile, { ...place, toldOfTray }, options.logger);
  };
  window.on('close', event => {
    if (mayClose) return;
    event.preventDefault();
    if (!toldOfTray) options.onFirstClose();
    toldOfTray = true;
    keep();
    window.hide();
  });
  const crashes: number[] = [];
  webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit' || mayClose) return;
    options.logger.error('desktop.page_gone', { reason, exitCode });
    const nowMs = Date.now();
    crashes.push(nowMs);
    const isGivenUp = crashes.filter(atMs => nowMs - atMs < 60_000).length > mostCrashes;
    if (!isGivenUp)
      window.loadURL(interfaceUrl).catch(error => options.logger.error('desktop.not_reloaded', { error }));
    options.onCrash(isGivenUp);
  });
  if (!options.hidden) window.once('ready-to-show', () => window.show());
  return {
    browserWindow: window,
    loaded: window.loadURL(interfaceUrl),
    show() {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    tell: message => webContents.send(shellChannel, message),
    release() {
      if (mayClose) return;
      mayClose = true;
      keep();
    },
  };
}
