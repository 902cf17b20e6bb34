/** Owns the tray: icon, tooltip and menu, kept at the engine's state. What they say is decided in tray-state.ts. */
import { createRouterClient } from '@orpc/server';
import { Menu, nativeImage, Tray } from 'electron';
import type { EventFeed } from '../database/event-feed.ts';
import type { EngineRouter } from '../host/router.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type TrayIcon, type TrayState, trayState } from './tray-state.ts';

export interface AppTray {
  stop(): void;
}

export interface TrayOptions {
  readonly router: EngineRouter;
  readonly feed: EventFeed;
  readonly logger: Logger;
  readonly iconFolder: string;
  readonly onOpen: () => void;
  readonly onQuit: () => void;
}

/** One drawing per state, each with a shape of its own; Electron finds the @2x beside it. */
function readIcon(folder: string, icon: TrayIcon) {
  const image = nativeImage.createFromPath(`${folder}/tray-${icon}.png`);
  // macOS paints the menu bar's own colour through the shape.
  if (process.platform === 'darwin') image.setTemplateImage(true);
  return image;
}

const starting: TrayState = { icon: 'idle', tooltip: 'Slipway', buildsPaused: false, seedingPaused: false };

/** Shows the tray until stopped. */
export function showTray(options: TrayOptions): AppTray {
  const { router, feed, logger, onOpen, onQuit } = options;
  const client = createRouterClient(router);
  const tray = new Tray(readIcon(options.iconFolder, 'idle'));
  const ended = new AbortController();
  let shown: TrayState | null = null;
  let reading = false;
  let again = false;

  const act = (name: string, work: () => Promise<unknown>) => () => {
    work()
      .then(refresh)
      .catch(error => logger.error('desktop.tray_action_failed', { name, error }));
  };

  function show(state: TrayState): void {
    if (ended.signal.aborted) return;
    if (state.icon !== shown?.icon) tray.setImage(readIcon(options.iconFolder, state.icon));
    if (state.tooltip !== shown?.tooltip) tray.setToolTip(state.tooltip);
    const { buildsPaused, seedingPaused } = state;
    if (buildsPaused !== shown?.buildsPaused || seedingPaused !== shown.seedingPaused) {
      const menu = Menu.buildFromTemplate([
        { label: 'Open Slipway', click: onOpen },
        { type: 'separator' },
        {
          label: buildsPaused ? 'Resume builds' : 'Pause builds',
          click: act('builds', () => client.workers.setMode({ mode: buildsPaused ? 'running' : 'paused' })),
        },
        {
          label: seedingPaused ? 'Resume seeding' : 'Pause seeding',
          click: act('seeding', () => client.swarm.setPaused({ paused: !seedingPaused })),
        },
        { type: 'separator' },
        { label: 'Quit', click: onQuit },
      ]);
      // Linux shows changes of a menu only when it is set again.
      tray.setContextMenu(menu);
    }
    shown = state;
  }

  /** Reads the state once per burst of events: while a reading is out, any number of events ask for one more. */
  async function refresh(): Promise<void> {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      do {
        again = false;
        const [status, repositories, swarm] = await Promise.all([
          client.engine.status(),
          client.repositories.list(),
          client.swarm.get(),
        ]);
        show(trayState({ status, repositories, swarm }));
      } while (again && !ended.signal.aborted);
    } catch (error) {
      if (!ended.signal.aborted) logger.warn('desktop.tray_not_refreshed', { error });
    } finally {
      reading = false;
    }
  }

  async function follow(): Promise<void> {
    for await (const push of feed.subscribe(null, ended.signal)) {
      // Progress and log lines change nothing here.
      if (push.kind === 'event' || push.topic === 'status') void refresh();
    }
  }

  show(starting);
  void refresh();
  follow().catch(error => logger.error('desktop.tray_not_followed', { error }));
  // macOS opens the menu on a click.
  if (process.platform !== 'darwin') tray.on('click', onOpen);
  return {
    stop() {
      if (ended.signal.aborted) return;
      ended.abort();
      tray.destroy();
    },
  };
}
