/** Owns the tray, the badge and the system's own marks of the app. What they say is decided in domain/shell/tray-state.ts. */
import { app, type BrowserWindow, Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import { minutesUntilTomorrow } from '../contract/until-tomorrow.ts';
import type { JobSummary } from '../contract/views/job.ts';
import { type TrayIcon, trayState } from '../domain/shell/tray-state.ts';
import type { FactsFollower, ShellFacts } from '../host/follow-facts.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface AppTray {
  show(facts: ShellFacts): void;
  stop(): void;
}

export interface TrayActions {
  readonly onOpen: () => void;
  readonly onJob: (jobId: string) => void;
  readonly onQuit: () => void;
}

const marks = { queued: '…', running: '▶', succeeded: '✓', failed: '✗', cancelled: '–', interrupted: '!' } as const;

/** One drawing per state, each with a shape of its own; Electron finds the @2x beside it. */
function readIcon(folder: string, icon: TrayIcon) {
  const image = nativeImage.createFromPath(`${folder}/tray-${icon}.png`);
  // macOS paints the menu bar's own colour through the shape.
  if (process.platform === 'darwin') image.setTemplateImage(true);
  return image;
}

/** Some Linux desktops have no tray: there the window, and the marks on its icon, show the same. */
function tryTray(icon: Electron.NativeImage, logger: Logger): Tray | null {
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
  readonly follower: () => FactsFollower;
  readonly logger: Logger;
  readonly actions: TrayActions;
}): AppTray {
  const { follower, logger, actions, window } = options;
  const tray = tryTray(readIcon(options.iconFolder, 'idle'), logger);
  let shown = '';
  let icon: TrayIcon = 'idle';

  const act = (name: string, work: (client: FactsFollower['client']) => Promise<unknown>) => () => {
    work(follower().client)
      .then(() => follower().refresh())
      .catch(error => logger.error('desktop.tray_action_failed', { name, error }));
  };
  const pause = (label: string, minutes: () => number) => ({
    label,
    click: act('seeding', client => client.swarm.setPaused({ paused: true, minutes: minutes() })),
  });
  const menuOf = (jobs: readonly JobSummary[], buildsPaused: boolean, seedingPaused: boolean) => {
    const results: MenuItemConstructorOptions[] = jobs.map(job => ({
      label: `${marks[job.status]} ${job.repositoryName}, job ${job.number}: ${job.status}`,
      click: () => actions.onJob(job.id),
    }));
    const items: MenuItemConstructorOptions[] = [
      { label: 'Open Slipway', click: actions.onOpen },
      { type: 'separator' },
      ...results,
      ...(results.length > 0 ? [{ type: 'separator' as const }] : []),
      {
        label: buildsPaused ? 'Resume builds' : 'Pause builds',
        click: act('builds', client => client.workers.setMode({ mode: buildsPaused ? 'running' : 'paused' })),
      },
      ...(seedingPaused
        ? [{ label: 'Resume seeding', click: act('seeding', client => client.swarm.setPaused({ paused: false })) }]
        : [
            pause('Pause seeding for an hour', () => 60),
            pause('Pause seeding until tomorrow', () => minutesUntilTomorrow(Date.now())),
          ]),
      { type: 'separator' },
      { label: 'Quit', click: actions.onQuit },
    ];
    return Menu.buildFromTemplate(items);
  };

  const mark = (failing: number) => {
    // The dock on macOS, the launcher of Unity on Linux. Source: https://www.electronjs.org/docs/latest/api/app#appsetbadgecountcount-linux-macos
    if (process.platform !== 'win32') app.setBadgeCount(failing);
    else if (failing === 0) window.setOverlayIcon(null, '');
    else window.setOverlayIcon(readIcon(options.iconFolder, 'failing'), `${failing} failing`);
  };

  tray?.setContextMenu(menuOf([], false, false));
  tray?.setToolTip('Slipway');
  // macOS opens the menu on a click.
  if (process.platform !== 'darwin') tray?.on('click', actions.onOpen);
  return {
    show(facts) {
      const state = trayState(facts);
      // Linux shows changes of a menu only when it is set again, and closes an open one for it.
      const now = JSON.stringify([state, facts.jobs.map(job => [job.id, job.status])]);
      if (now === shown) return;
      shown = now;
      mark(state.failing);
      if (tray === null || tray.isDestroyed()) return;
      if (state.icon !== icon) tray.setImage(readIcon(options.iconFolder, state.icon));
      icon = state.icon;
      tray.setToolTip(state.tooltip);
      tray.setContextMenu(menuOf(facts.jobs, state.buildsPaused, state.seedingPaused));
    },
    stop: () => tray?.destroy(),
  };
}
