/** Owns the desktop app on the rig as a test drives it: the built main bundle in a Node of its own, its window through Playwright. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { z } from 'zod';
import { eventually } from '../eventually.ts';
import type { DesktopView, MenuView, Order } from './control.ts';

const root = resolve(import.meta.dirname, '../../..');
const answerSchema = z.object({ id: z.number(), result: z.unknown().optional(), error: z.string().optional() });

export interface RigApp {
  readonly process: ChildProcess;
  /** What the app has written to its terminal. */
  said(): string;
  order(order: Order): Promise<unknown>;
  look(): Promise<DesktopView>;
  /** What a person sees as soon as it `holds`. */
  until(what: string, holds: (view: DesktopView) => boolean): Promise<DesktopView>;
  /** The interface, as a person uses it. */
  page(): Promise<Page>;
  /** Lets Playwright go: the next call of `page` connects anew, as to a page that crashed and came back. */
  reconnect(): Promise<void>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<number | null>;
  /** Ends it, however it stands. */
  stop(): Promise<void>;
}

/** Every label that can be clicked, with its way through the menus. */
export function pathsOf(items: readonly MenuView[], above: readonly string[] = []): string[][] {
  return items.flatMap(item =>
    item.submenu.length > 0 ? pathsOf(item.submenu, [...above, item.label]) : [[...above, item.label]],
  );
}

export const trayLabels = (view: DesktopView): string[] => view.tray?.menu.map(item => item.label) ?? [];

export function startRig(args: readonly string[], env: NodeJS.ProcessEnv = process.env): RigApp {
  const child = fork(join(root, 'out/main/main.js'), [...args], {
    // As with Electron itself, where the app's path comes first.
    cwd: root,
    execArgv: ['--import', new URL('./register.ts', import.meta.url).href],
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  const hear = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const ended = once(child, 'exit').then(([exitCode]: (number | null)[]) => exitCode ?? null);
  let last = 0;
  const order = (wanted: Order): Promise<unknown> =>
    new Promise((resolveOrder, reject) => {
      const id = ++last;
      const listen = (input: unknown) => {
        const answer = answerSchema.parse(input);
        if (answer.id !== id) return;
        child.off('message', listen);
        if (answer.error === undefined) resolveOrder(answer.result);
        else reject(new Error(answer.error));
      };
      child.on('message', listen);
      void ended.then(exitCode => reject(new Error(`the app ended with ${exitCode}: ${text}`)));
      child.send({ id, order: wanted }, error => error && reject(error));
    });
  const look = async () => (await order({ do: 'look' })) as DesktopView;
  let browser: Promise<Browser> | null = null;
  return {
    process: child,
    said: () => text,
    order,
    look,
    until: (what, holds) =>
      eventually(
        async () => {
          const view = await look();
          if (!holds(view)) throw new Error(JSON.stringify({ ...view, appMenu: view.appMenu.length }));
          return view;
        },
        { what },
      ),
    async page() {
      const endpoint = z.string().parse(await order({ do: 'endpoint' }));
      browser ??= chromium.connectOverCDP(endpoint);
      const contexts = (await browser).contexts();
      return eventually(
        () => contexts.flatMap(context => context.pages()).find(page => page.url().startsWith('https://slipway.')),
        { what: 'the window with the interface' },
      );
    },
    async reconnect() {
      await (await browser)?.close();
      browser = null;
    },
    ended,
    async stop() {
      await browser?.then(one => one.close()).catch(() => undefined);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}
