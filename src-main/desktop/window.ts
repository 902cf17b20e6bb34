/** Owns the one window: what its page may do (little), and that closing it leaves the engine at work in the tray. */
import { BrowserWindow, Menu, nativeTheme, shell } from 'electron';
import { interfaceUrl, isAllowedPermission } from './interface-address.ts';

export interface AppWindow {
  /** Shows the window, whether it is hidden, minimised, behind others or closed. */
  show(): void;
  /** Settles when the page has loaded; rejects when it cannot be. */
  readonly loaded: Promise<void>;
  /** From now on, closing closes. */
  release(): void;
}

/** The page's own colours before it paints: `--surface-base` of styles/tokens.css. */
const background = { dark: '#0e1417', light: '#fbfdfd' };

/** Opens the window on the interface. To be called after the app is ready and `app:` is served. */
export function openWindow(options: {
  readonly preload: string;
  readonly icon: string;
  readonly hidden: boolean;
}): AppWindow {
  // The default menu opens web pages; only macOS needs it, for copy and paste.
  if (process.platform !== 'darwin') Menu.setApplicationMenu(null);
  let mayClose = false;
  const window = new BrowserWindow({
    title: 'Slipway',
    icon: options.icon,
    width: 1280,
    height: 820,
    minWidth: 720,
    minHeight: 480,
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? background.dark : background.light,
    webPreferences: {
      preload: options.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  });
  const { webContents } = window;
  const { session } = webContents;
  webContents.setWindowOpenHandler(({ url }) => {
    // The interface asks a person first. Any other scheme could start a program.
    if (/^https?:\/\//i.test(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  webContents.on('will-navigate', event => event.preventDefault());
  webContents.on('will-frame-navigate', event => event.preventDefault());
  webContents.on('will-redirect', event => event.preventDefault());
  webContents.on('will-attach-webview', event => event.preventDefault());
  session.setPermissionRequestHandler((_contents, permission, answer, details) => {
    answer(isAllowedPermission(permission, details.requestingUrl));
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => isAllowedPermission(permission, origin));
  session.setDevicePermissionHandler(() => false);

  window.on('close', event => {
    if (mayClose) return;
    event.preventDefault();
    window.hide();
  });
  if (!options.hidden) window.once('ready-to-show', () => window.show());
  return {
    loaded: window.loadURL(interfaceUrl),
    show() {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    release() {
      mayClose = true;
    },
  };
}
