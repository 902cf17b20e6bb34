/** Owns the one registry of commands that palette, shortcuts and buttons use. */
import { useEffect, useRef } from 'react';
import { createStore } from 'zustand/vanilla';
import { minutesUntilTomorrow } from '../../src-main/contract/until-tomorrow.ts';
import { client, connection } from '../client/client.ts';
import { drillStore, runDrill } from '../state/drill.ts';
import { openPanel } from '../state/panels.ts';
import { queries } from '../state/queries.ts';
import { navigate, type Route } from '../state/route.ts';
import { setTheme, toggleTheme } from '../state/theme.ts';
import type { Command } from './command.ts';

export const isMac = navigator.userAgent.includes('Mac');

const online = () => connection.state.getState().kind === 'online';
const always = () => true;

function goTo(route: Route, title: string, key: string): Command {
  return {
    id: `${route.view}.show`,
    title,
    group: 'Go to',
    shortcut: `G ${key}`,
    isEnabled: always,
    run: () => navigate(route),
  };
}

/** Starts a call whose outcome the views show; a refusal is shown where the palette was. */
export function start(call: () => Promise<unknown>): () => void {
  return () => {
    call().catch(error => failureStore.setState({ message: error instanceof Error ? error.message : String(error) }));
  };
}

/** The failure of the newest command that had no place of its own to show it. */
export const failureStore = createStore<{ readonly message: string | null }>(() => ({ message: null }));

const lasting: readonly Command[] = [
  {
    id: 'palette.open',
    title: 'Find or do anything',
    group: 'Do',
    shortcut: 'Mod+K',
    // The palette does not list itself.
    isEnabled: always,
    run: () => openPanel('palette'),
  },
  {
    id: 'repositories.add',
    title: 'Add a repository',
    group: 'Do',
    shortcut: 'N',
    isEnabled: online,
    run: () => openPanel('add-repository'),
  },
  {
    id: 'repositories.addSample',
    title: 'Try the sample project',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.repositories.addSample()),
  },
  {
    id: 'workers.pause',
    title: 'Pause the workers',
    group: 'Do',
    shortcut: null,
    detail: 'running builds go on, no new one starts',
    isEnabled: online,
    run: start(() => client.workers.setMode({ mode: 'paused' }).then(() => queries.refetch('status'))),
  },
  {
    id: 'workers.drain',
    title: 'Drain the workers',
    group: 'Do',
    shortcut: null,
    detail: 'running builds go on, then the workers end',
    isEnabled: online,
    run: start(() => client.workers.setMode({ mode: 'drained' }).then(() => queries.refetch('status'))),
  },
  {
    id: 'workers.resume',
    title: 'Resume the workers',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.workers.setMode({ mode: 'running' }).then(() => queries.refetch('status'))),
  },
  {
    id: 'drill.run',
    title: 'Run the crash drill',
    group: 'Do',
    shortcut: null,
    detail: 'kills a worker during a harmless job, and measures the recovery',
    isEnabled: () => online() && drillStore.getState().kind !== 'running',
    run: () => {
      navigate({ view: 'settings' });
      void runDrill();
    },
  },
  {
    id: 'swarm.pause',
    title: 'Pause seeding',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.swarm.setPaused({ paused: true })),
  },
  {
    id: 'swarm.pauseForAnHour',
    title: 'Pause seeding for an hour',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.swarm.setPaused({ paused: true, minutes: 60 })),
  },
  {
    id: 'swarm.pauseUntilTomorrow',
    title: 'Pause seeding until tomorrow',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.swarm.setPaused({ paused: true, minutes: minutesUntilTomorrow(Date.now()) })),
  },
  {
    id: 'swarm.resume',
    title: 'Resume seeding',
    group: 'Do',
    shortcut: null,
    isEnabled: online,
    run: start(() => client.swarm.setPaused({ paused: false })),
  },
  {
    id: 'notices.show',
    title: 'Show notifications',
    group: 'Do',
    shortcut: null,
    isEnabled: always,
    run: () => openPanel('notices'),
  },
  goTo({ view: 'overview' }, 'Overview', 'O'),
  goTo({ view: 'repositories' }, 'Repositories', 'R'),
  goTo({ view: 'jobs' }, 'Jobs', 'J'),
  goTo({ view: 'regions' }, 'Regions', 'E'),
  goTo({ view: 'swarm' }, 'Swarm', 'W'),
  goTo({ view: 'machines' }, 'Machines', 'M'),
  goTo({ view: 'capacity' }, 'Capacity', 'C'),
  goTo({ view: 'settings' }, 'Settings', 'S'),
  {
    id: 'theme.toggle',
    title: 'Switch between light and dark',
    group: 'Do',
    shortcut: null,
    isEnabled: always,
    run: toggleTheme,
  },
  {
    id: 'theme.system',
    title: 'Follow the system’s theme',
    group: 'Do',
    shortcut: null,
    isEnabled: always,
    run: () => setTheme('system'),
  },
];

export const commandStore = createStore<{ readonly commands: readonly Command[] }>(() => ({ commands: lasting }));

/** A command by its id, for buttons that do the same. */
export function commandById(id: string): Command | undefined {
  return commandStore.getState().commands.find(command => command.id === id);
}

/** Runs a command if it is enabled. */
export function runCommand(id: string): void {
  const command = commandById(id);
  if (command?.isEnabled()) command.run();
}

/** Adds a view's own commands while the view is shown. They come first in the palette. */
export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands);
  latest.current = commands;
  const key = commands.map(command => `${command.id} ${command.title} ${command.shortcut}`).join('\n');
  useEffect(() => {
    // Each registered command asks the newest one by its place, so that a render needs no new registration.
    const registered =
      key === ''
        ? []
        : latest.current.map((command, index) => ({
            ...command,
            isEnabled: () => latest.current[index]?.isEnabled() ?? false,
            run: () => latest.current[index]?.run(),
          }));
    commandStore.setState(state => ({ commands: [...registered, ...state.commands] }));
    return () =>
      commandStore.setState(state => ({ commands: state.commands.filter(command => !registered.includes(command)) }));
  }, [key]);
}
