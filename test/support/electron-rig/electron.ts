/**
 * A stand-in for the module 'electron', whose binary cannot be had on machines without a network: the parts that the app uses, on a
 * real Chromium and real Node children. What it lacks throws. It shows that our code calls Electron as Electron's own types say, and
 * what our code does then; it proves nothing of Electron itself.
 */
import type * as Electron from 'electron';
import { rigApp } from './app.ts';
import { serveControl } from './control.ts';
import { ipcMain as ipc } from './ipc.ts';
import * as ports from './message-ports.ts';
import { protocol as schemes } from './protocol.ts';
import { strict } from './strict.ts';
import * as system from './system.ts';
import { utilityProcess as processes } from './utility-process.ts';
import { RigWindow } from './windows.ts';

/** Every name here is one of Electron's. What the app asks of them is checked against the types where it asks. */
type Name = keyof typeof Electron;

export const app = strict('app' satisfies Name, rigApp);
export const BrowserWindow = function open(options: ConstructorParameters<typeof RigWindow>[0]) {
  return strict('BrowserWindow' satisfies Name, new RigWindow(options));
};
export const Tray = function show(image: ConstructorParameters<typeof system.Tray>[0]) {
  return strict('Tray' satisfies Name, new system.Tray(image));
};
export const Notification = strict('Notification' satisfies Name, system.Notification);
export const Menu = strict('Menu' satisfies Name, system.Menu);
export const MessageChannelMain = ports.MessageChannelMain;
export const dialog = strict('dialog' satisfies Name, system.dialog);
export const ipcMain = strict('ipcMain' satisfies Name, ipc);
export const nativeImage = strict('nativeImage' satisfies Name, system.nativeImage);
export const nativeTheme = strict('nativeTheme' satisfies Name, system.nativeTheme);
export const powerMonitor = strict('powerMonitor' satisfies Name, system.powerMonitor);
export const protocol = strict('protocol' satisfies Name, schemes);
export const safeStorage = strict('safeStorage' satisfies Name, system.safeStorage);
export const screen = strict('screen' satisfies Name, system.screen);
export const shell = strict('shell' satisfies Name, system.shell);
export const utilityProcess = strict('utilityProcess' satisfies Name, processes);

serveControl();
