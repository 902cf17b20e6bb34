/** Owns what the desktop adds around a running engine: window, tray, menus, notifications, links, power, and the question before the end. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { app, dialog, shell as system } from 'electron';
import { alertSchema } from '../contract/alerts.ts';
import { messageOf } from '../contract/errors.ts';
import type { FromPage } from '../contract/shell.ts';
import { minutesUntilTomorrow } from '../contract/until-tomorrow.ts';
import { writeSetting } from '../database/settings.ts';
import { parseDeepLink } from '../domain/shell/deep-link.ts';
import type { TrayAction } from '../domain/shell/tray-menu.ts';
import type { Engine } from '../engine.ts';
import { createQuitGate, type QuitAnswer } from '../host/finish-first.ts';
import { type FactsFollower, followFacts } from '../host/follow-facts.ts';
import { createPortServer } from '../host/message-port.ts';
import type { EngineRouter } from '../host/router.ts';
import { notify } from './alerts.ts';
import { setAppMenu, setQuickMenus } from './app-menu.ts';
import { setStartAtLogin, startsAtLogin } from './login-item.ts';
import { hearPage } from './page-channel.ts';
import { watchPower } from './power.ts';
import { showTray } from './tray.ts';
import { openWindow } from './window.ts';

export interface Shell {
  show(): void;
  /** Shows what a link names; one that is not well formed shows the window alone. Never throws. */
  openLink(link: string): void;
  /** True once the app may end. */
  mayQuit(): Promise<boolean>;
  /** Settles when the page has loaded and has had its first answer from the engine; rejects when it cannot load. */
  readonly ready: Promise<void>;
  stop(): void;
}

/** Opens it on an engine whose interface is served. To be called after the app is ready. */
export function openShell(options: {
  readonly engine: Engine;
  readonly router: EngineRouter;
  readonly hidden: boolean;
  readonly preload: string;
  readonly icons: string;
  /** Ends the app without a question. */
  readonly onEnd: () => void;
}): Shell {
  const { engine, router } = options;
  const { logger, folder } = engine;
  let stopped = false;

  const fail = (what: string) => (error: unknown) => {
    logger.error('desktop.action_failed', { what, error });
    void dialog.showMessageBox(window.browserWindow, { type: 'error', message: messageOf(error), noLink: true });
  };
  const go = (hash: string, thenRun: string | null = null) => {
    window.show();
    // A page that has not asked for anything yet listens to nothing yet.
    void ports.answered.then(() => window.tell({ type: 'go', hash, thenRun }));
  };
  const add = (source: string) => {
    window.show();
    void ports.answered.then(() => window.tell({ type: 'add-repository', source }));
  };
  const tellFacts = async () => window.tell({ type: 'facts', startsAtLogin: await startsAtLogin() });
  const open = async (path: string) => {
    const problem = await system.openPath(path);
    if (problem !== '') throw new Error(`${path} could not be opened: ${problem}`);
  };

  function hear(message: Exclude<FromPage, { type: 'port' }>): void {
    switch (message.type) {
      case 'commands':
        setAppMenu(message.commands, command => window.tell({ type: 'run', command }), app.quit);
        tellFacts().catch(fail('facts'));
        return;
      case 'open':
        open(message.what === 'data-folder' ? folder.root : folder.engineLog).catch(fail('open'));
        return;
      case 'open-log':
        open(folder.jobLog(message.jobId, message.attempt)).catch(fail('open'));
        return;
      case 'dropped':
        if (statSync(message.path, { throwIfNoEntry: false })?.isDirectory()) add(message.path);
        else fail('drop')(new Error('Drop a folder: the working copy of a repository.'));
        return;
      case 'start-at-login':
        setStartAtLogin(message.on).then(tellFacts).catch(fail('start at login'));
        return;
      case 'quit':
        app.quit();
        return;
    }
  }

  const window = openWindow({
    preload: options.preload,
    icon: join(options.icons, 'slipway.png'),
    hidden: options.hidden,
    stateFile: join(folder.root, 'desktop', 'window.json'),
    logger,
    onFirstClose: () =>
      notify('Slipway works on', 'It builds and seeds from the tray. Quit is in its menu.', () => window.show()),
    onCrash: isGivenUp => {
      const end = isGivenUp ? 'It crashed again and again. Quit and start Slipway.' : 'It was loaded anew.';
      notify("Slipway's window crashed", `${end} Builds went on.`, () => window.show());
    },
  });
  setAppMenu([], () => undefined, app.quit);
  setQuickMenus(go);
  const ports = createPortServer(router);
  const deafen = hearPage({ ports, logger, onMessage: hear });
  const follower: FactsFollower = followFacts({
    router,
    feed: engine.feed,
    uploadBytesPerSecond: () => engine.swarm.stats().torrents.reduce((sum, one) => sum + one.uploadBytesPerSecond, 0),
    logger,
    onFacts: next => {
      tray.show(next);
      gate.look(next);
    },
    onEvent: event => {
      if (event.type !== 'alert.raised') return;
      const { title, body, hash, thenRun } = alertSchema.parse(event.data);
      notify(title, body, () => go(hash, thenRun));
    },
  });
  const call = (what: string, work: Promise<unknown>) => void work.then(follower.refresh).catch(fail(what));
  function act(action: TrayAction): void {
    const { client } = follower;
    if (action.do === 'open') window.show();
    else if (action.do === 'job') go(`#/jobs/${action.jobId}`);
    else if (action.do === 'quit') app.quit();
    else if (action.do === 'builds') call('builds', client.workers.setMode({ mode: action.mode }));
    else if (action.do === 'resume-seeding') call('seeding', client.swarm.setPaused({ paused: false }));
    else {
      const minutes = action.until === 'hour' ? 60 : minutesUntilTomorrow(Date.now());
      call('seeding', client.swarm.setPaused({ paused: true, minutes }));
    }
  }
  const tray = showTray({ iconFolder: options.icons, window: window.browserWindow, logger, onAction: act });
  const gate = createQuitGate({
    follower: () => follower,
    async askPerson(question, isFinishing) {
      const finish = isFinishing ? 'Go on finishing' : 'Finish first';
      const buttons = [finish, 'Quit now', 'Cancel'];
      const box = { type: 'question', ...question, buttons, defaultId: 0, cancelId: 2, noLink: true } as const;
      const { response } = await dialog.showMessageBox(window.browserWindow, box);
      return (['finish', 'now', 'cancel'] satisfies QuitAnswer[])[response] ?? 'cancel';
    },
    keepMode: mode => writeSetting(engine.db, 'workers.mode', mode),
    onFinished: options.onEnd,
  });
  const unwatchPower = watchPower(what => {
    if (what === 'shutdown') return options.onEnd();
    logger.info('desktop.power_changed', { what });
    // What depends on the battery holds at once; after sleep, so does the end of a pause.
    engine.swarmRules.apply().catch(error => logger.warn('swarm.rules_not_applied', { error }));
    engine.pool.configure('workers.onBattery').catch(error => logger.warn('desktop.pool_not_sized', { error }));
  });

  async function showLink(text: string): Promise<void> {
    window.show();
    const link = parseDeepLink(text);
    if (link === null) return logger.warn('desktop.link_refused', { length: text.length });
    if (link.show === 'add') return add(link.source);
    if (link.show === 'repository') return go(`#/repositories/${link.repositoryId}`);
    if (typeof link.job === 'string') return go(`#/jobs/${link.job}`);
    const [job] = (await follower.client.jobs.list({ before: link.job + 1, limit: 1 })).jobs;
    if (job?.number === link.job) go(`#/jobs/${job.id}`);
    else go('#/jobs');
  }

  return {
    show: window.show,
    openLink: text => void showLink(text).catch(fail('link')),
    mayQuit: () => gate.ask(),
    ready: Promise.all([window.loaded, ports.answered]).then(() => undefined),
    stop() {
      if (stopped) return;
      stopped = true;
      window.release();
      unwatchPower();
      follower.stop();
      deafen();
      ports.stop();
      tray.stop();
    },
  };
}
