/** Owns the start at login, hidden: by the system's own list, on Linux by a desktop entry. */
import { app } from 'electron';
import { autostartFile, hasAutostart, setAutostart } from '../process/autostart-file.ts';

/** An AppImage is started by its own file; what it unpacks is gone at the next start. Source: docs.appimage.org, environment variables */
const program = () => process.env.APPIMAGE ?? process.execPath;
/** In the tree, Electron is told which app to run. */
const args = () => [...(app.isPackaged ? [] : [app.getAppPath()]), '--hidden'];

export async function startsAtLogin(): Promise<boolean> {
  if (process.platform === 'linux') return hasAutostart(autostartFile());
  return app.getLoginItemSettings({ args: args() }).openAtLogin;
}

export async function setStartAtLogin(on: boolean): Promise<void> {
  if (process.platform === 'linux') await setAutostart(autostartFile(), on ? [program(), ...args()] : null);
  else app.setLoginItemSettings({ openAtLogin: on, args: args() });
}
