/** Owns the tray and the system's own marks of the app. What they say is decided in domain/shell/. */
import { app, type BrowserWindow, Menu, type NativeImage, nativeImage, Tray } from 'electron';
import { type TrayAction, type TrayMenuFacts, trayMenu } from '../domain/shell/tray-menu.ts';
import { type TrayIcon, trayState } from '../domain/shell/tray-state.ts';
import type { ShellFacts } from '../host/follow-facts.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface AppTray {
  show(facts: ShellFacts): void;
  stop(): void;
}

/** One drawing per state, each with a shape of its own; Electron finds the @2x beside it. */
function readIcon(folder: string, icon: TrayIcon): NativeImage {
  const image = nativeImage.createFromPath(`${folder}/tray-${icon}.png`);
  // macOS paints the menu bar's own colour through the shape.
  if (process.platform === 'darwin') image.setTemplateImage(true);
  return image;
}

/** Some Linux desktops have no tray: there the window, and the marks on its icon, show the same. */
function tryTray(icon: NativeImage, logger: Logger): Tray | null {
  try {
    return new Tray(icon);
  } catch (error) {
    logger.warn('desktop.no_tray', { error });
    return null;
  }
}

/** Shows the tray until stopped; `show` brings it to what was read last. */
export function showTray(options: {
  readonly iconFolder: string;
  readonly window: BrowserWindow;
  readonly logger: Logger;
  readonly onAction: (action: TrayAction) => void;
}): AppTray {
  const { iconFolder, window, onAction } = options;
  const tray = tryTray(readIcon(iconFolder, 'idle'), options.logger);
  let shown = '';
  let icon: TrayIcon = 'idle';

  const menuOf = (facts: TrayMenuFacts) =>
    Menu.buildFromTemplate(
      trayMenu(facts).flatMap((group, index) => [
        ...(index > 0 ? [{ type: 'separator' as const }] : []),
        ...group.map(({ label, action }) => ({ label, click: () => onAction(action) })),
      ]),
    );
  const mark = (failing: number) => {
    // The dock on macOS, the launcher of Unity on Linux. Source: https://www.electronjs.org/docs/latest/api/app#appsetbadgecountcount-linux-macos
    if (process.platform !== 'win32') app.setBadgeCount(failing);
    else if (failing === 0) window.setOverlayIcon(null, '');
    else window.setOverlayIcon(readIcon(iconFolder, 'failing'), `${failing} failing`);
  };

  tray?.setContextMenu(menuOf({ jobs: [], buildsPaused: false, seedingPaused: false }));
  tray?.setToolTip('Slipway');
  // macOS opens the menu on a click.
  if (process.platform !== 'darwin') tray?.on('click', () => onAction({ do: 'open' }));
  return {
    show(facts) {
      const state = trayState(facts);
      // Linux shows changes of a menu only when it is set again, and closes an open one for it.
      const now = JSON.stringify([state, facts.jobs.map(job => [job.id, job.status])]);
      if (now === shown) return;
      shown = now;
      mark(state.failing);
      if (tray === null || tray.isDestroyed()) return;
      if (state.icon !== icon) tray.setImage(readIcon(iconFolder, state.icon));
      icon = state.icon;
      tray.setToolTip(state.tooltip);
      tray.setContextMenu(menuOf({ jobs: facts.jobs, ...state }));
    },
    stop: () => tray?.destroy(),
  };
}
