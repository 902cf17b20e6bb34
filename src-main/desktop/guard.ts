/** Owns what the page may not do: go elsewhere, open windows, get permissions; and what a person is asked before a browser opens. */
import { type BrowserWindow, dialog, shell, type WebContents } from 'electron';
import { isAllowedPermission } from '../host/interface-address.ts';

/** Asks, then opens an address in the person's browser; any scheme but https could start a program or be read on the way. */
export async function openExternal(window: BrowserWindow, address: string): Promise<void> {
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:') {
    const message = 'Slipway opens https addresses alone.';
    await dialog.showMessageBox(window, { type: 'info', message, detail: `${address} was not opened.`, noLink: true });
    return;
  }
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: 'Open this address in your browser?',
    detail: address,
    buttons: ['Open', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  });
  if (response === 0) await shell.openExternal(address);
}

/** Refuses all of it, from before the page is loaded. */
export function guardPage(window: BrowserWindow, webContents: WebContents): void {
  const { session } = webContents;
  webContents.setWindowOpenHandler(({ url }) => {
    void openExternal(window, url);
    return { action: 'deny' };
  });
  webContents.on('will-navigate', event => event.preventDefault());
  webContents.on('will-frame-navigate', event => event.preventDefault());
  webContents.on('will-redirect', event => event.preventDefault());
  webContents.on('will-attach-webview', event => event.preventDefault());
  session.setPermissionRequestHandler((_contents, permission, answer, details) => {
    answer(isAllowedPermission(permission, details.requestingUrl));
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => isAllowedPermission(permission, origin));
  session.setDevicePermissionHandler(() => false);
}
