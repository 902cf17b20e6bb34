/** Owns the test's hand on a running rig: over Node's own channel, what a person would do at the desktop, and what they would see. */
import { z } from 'zod';
import { rigApp } from './app.ts';
import { chromium } from './cdp.ts';
import { mayUseDevice } from './session.ts';
import { desktop, powerMonitor, type RigMenuItem } from './system.ts';
import { rigWindows } from './windows.ts';

export interface MenuView {
  readonly label: string;
  readonly enabled: boolean;
  readonly accelerator: string | null;
  readonly submenu: readonly MenuView[];
}

const view = ({ label, enabled, accelerator, submenu }: RigMenuItem): MenuView => ({
  label,
  enabled,
  accelerator,
  submenu: submenu.map(view),
});

function look() {
  const [window] = rigWindows;
  const { tray, notifications, dialogs, opened, appMenu, waiting } = desktop;
  return {
    window: window && {
      isShown: window.isShown,
      isFocused: window.isFocused,
      showCount: window.showCount,
      bounds: window.bounds,
    },
    tray: tray && { image: tray.image, tooltip: tray.tooltip, menu: tray.menu.map(view) },
    appMenu: appMenu.map(view),
    notifications: notifications.map(({ title, body }) => ({ title, body })),
    dialogs,
    isAsking: waiting.length > 0,
    opened,
    badge: rigApp.badge,
    mayUseDevice: mayUseDevice(),
  };
}
export type DesktopView = ReturnType<typeof look>;

const orderSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('look') }),
  z.object({ do: z.literal('endpoint') }),
  z.object({ do: z.literal('menu'), of: z.enum(['tray', 'app']), path: z.array(z.string()) }),
  z.object({ do: z.literal('click-tray') }),
  z.object({ do: z.literal('click-notification'), index: z.number() }),
  z.object({ do: z.literal('answer'), response: z.number() }),
  z.object({ do: z.literal('close-window') }),
  z.object({
    do: z.literal('move-window'),
    bounds: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }),
  }),
  z.object({ do: z.literal('power'), event: z.enum(['on-battery', 'on-ac', 'resume', 'shutdown']) }),
  z.object({ do: z.literal('open-url'), url: z.string() }),
  z.object({ do: z.literal('crash-page') }),
  /** As a script of the page itself; Playwright would wait for a navigation that is refused. */
  z.object({ do: z.literal('evaluate'), expression: z.string() }),
  z.object({ do: z.literal('drop'), path: z.string() }),
  z.object({ do: z.literal('speak'), from: z.enum(['page', 'subframe']), channel: z.string(), message: z.unknown() }),
]);
export type Order = z.infer<typeof orderSchema>;

function click(items: readonly RigMenuItem[], path: readonly string[]): void {
  const [label, ...rest] = path;
  const item = items.find(one => one.label === label);
  if (!item) throw new Error(`There is no ${label} among ${items.map(one => one.label).join(', ')}.`);
  if (rest.length > 0) click(item.submenu, rest);
  else if (item.click && item.enabled) item.click();
  else throw new Error(`${label} cannot be clicked.`);
}

/** Lets a folder fall on the middle of the page, as Chromium hears it from the system. */
async function drop(path: string): Promise<void> {
  const page = await rigWindows[0]?.contents.chromiumPage();
  if (!page) throw new Error('There is no window.');
  const { session } = page;
  const frames = z.object({ executionContextId: z.number() });
  const where = { frameId: page.targetId, worldName: 'slipway-preload' };
  const { executionContextId } = await session.call('Page.createIsolatedWorld', where, frames);
  const expression = `slipwayRigDropped = ${JSON.stringify(path)}`;
  await session.send('Runtime.evaluate', { expression, contextId: executionContextId });
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
  }
}

async function obey(order: Order): Promise<unknown> {
  const [window] = rigWindows;
  switch (order.do) {
    case 'look':
      return look();
    case 'endpoint':
      return (await chromium()).endpoint;
    case 'menu':
      return click(order.of === 'tray' ? (desktop.tray?.menu ?? []) : desktop.appMenu, order.path);
    case 'click-tray':
      return desktop.tray?.click();
    case 'click-notification':
      return desktop.notifications[order.index]?.click();
    case 'answer': {
      const waiter = desktop.waiting.shift();
      if (waiter) waiter(order.response);
      else desktop.answers.push(order.response);
      return null;
    }
    case 'close-window':
      return window?.pressClose();
    case 'move-window':
      if (window) window.bounds = order.bounds;
      return null;
    case 'power':
      desktop.isOnBattery = order.event === 'on-battery' || (desktop.isOnBattery && order.event !== 'on-ac');
      return powerMonitor.emit(order.event);
    case 'open-url':
      return rigApp.emitPreventable('open-url', {}, order.url);
    case 'crash-page': {
      const page = await window?.contents.chromiumPage();
      // It never answers.
      page?.session.send('Page.crash').catch(() => undefined);
      return null;
    }
    case 'evaluate': {
      const page = await window?.contents.chromiumPage();
      const { expression } = order;
      const asked = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
      const value = z.object({ result: z.object({ value: z.unknown().optional() }) });
      return (await page?.session.call('Runtime.evaluate', asked, value))?.result.value;
    }
    case 'drop':
      return drop(order.path);
    case 'speak':
      return window?.contents.speakFrom(order.from, order.channel, order.message);
  }
}

/** Answers the orders of a test for as long as the process lives. */
export function serveControl(): void {
  process.on('message', (input: unknown) => {
    const { id, order } = z.object({ id: z.number(), order: orderSchema }).parse(input);
    obey(order).then(
      result => process.send?.({ id, result: result ?? null }),
      (error: Error) => process.send?.({ id, error: error.message }),
    );
  });
}
