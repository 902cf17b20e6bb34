/** Owns the page's part of the desktop: its commands for the native menus, its answers to menu, notification, link and drop. */
import { createStore } from 'zustand/vanilla';
import type { MenuCommand, ToPage } from '../../src-main/contract/shell.ts';
import { connection } from '../client/client.ts';
import { shell } from '../client/shell.ts';
import { openPanel } from '../state/panels.ts';
import { parseRoute, routeHref } from '../state/route.ts';
import type { Command } from './command.ts';
import { commandById, commandStore, runCommand } from './registry.ts';

/** A view that is opened loads its code and its job first. */
const commandWaitMs = 15_000;

const factsStore = createStore<{ readonly startsAtLogin: boolean }>(() => ({ startsAtLogin: false }));

const always = () => true;
const act = (id: string, title: string, run: () => void, isEnabled = always): Command => ({
  id,
  title,
  group: 'Do',
  shortcut: null,
  isEnabled,
  run,
});

const desktopCommands: readonly Command[] = [
  act('desktop.openData', 'Open the data folder', () => shell?.send({ type: 'open', what: 'data-folder' })),
  act('desktop.openLog', "Open the engine's log", () => shell?.send({ type: 'open', what: 'engine-log' })),
  act(
    'desktop.startAtLogin',
    'Start at login, in the tray',
    () => shell?.send({ type: 'start-at-login', on: true }),
    () => !factsStore.getState().startsAtLogin,
  ),
  act(
    'desktop.dontStartAtLogin',
    'Start no more at login',
    () => shell?.send({ type: 'start-at-login', on: false }),
    () => factsStore.getState().startsAtLogin,
  ),
  act('desktop.quit', 'Quit Slipway', () => shell?.send({ type: 'quit' })),
];

/** Runs a command of a view as soon as the view has it. */
function runWhenThere(id: string): void {
  const tryNow = () => {
    if (!commandById(id)?.isEnabled()) return false;
    // After the view that registered it has painted.
    setTimeout(() => runCommand(id));
    return true;
  };
  if (tryNow()) return;
  const unsubscribe = commandStore.subscribe(() => {
    if (tryNow()) stop();
  });
  const timer = setTimeout(unsubscribe, commandWaitMs);
  const stop = () => {
    clearTimeout(timer);
    unsubscribe();
  };
}

function hear(message: ToPage): void {
  switch (message.type) {
    case 'run':
      runCommand(message.command);
      return;
    case 'go': {
      const route = parseRoute(message.hash);
      if (route) location.hash = routeHref(route);
      if (route && message.thenRun !== null) runWhenThere(message.thenRun);
      return;
    }
    case 'add-repository':
      openPanel('add-repository', message.source);
      return;
    case 'facts':
      factsStore.setState({ startsAtLogin: message.startsAtLogin });
      return;
  }
}

function menuCommands(): MenuCommand[] {
  return commandStore
    .getState()
    .commands.flatMap(({ id, title, group, shortcut, isEnabled }) =>
      group === 'Do' || group === 'Go to' ? [{ id, title, group, shortcut, enabled: isEnabled() }] : [],
    );
}

/** Does nothing in a browser. */
export function startDesktop(): void {
  if (!shell) return;
  const bridge = shell;
  commandStore.setState(state => ({ commands: [...state.commands, ...desktopCommands] }));
  bridge.onMessage(hear);
  let sent = '';
  const tell = () => {
    const commands = menuCommands();
    const text = JSON.stringify(commands);
    if (text === sent) return;
    sent = text;
    bridge.send({ type: 'commands', commands });
  };
  commandStore.subscribe(tell);
  connection.state.subscribe(tell);
  factsStore.subscribe(tell);
  tell();
}
