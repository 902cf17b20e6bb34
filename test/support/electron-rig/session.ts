/** Owns the session's handlers of permissions. What they answer is put into Chromium, which then asks nobody. */
import { toElectron } from './address.ts';
import { chromium } from './cdp.ts';

type RequestHandler = (
  contents: null,
  permission: string,
  answer: (granted: boolean) => void,
  details: { requestingUrl: string },
) => void;
type CheckHandler = (contents: null, permission: string, origin: string) => boolean;

let requestHandler: RequestHandler | null = null;
let checkHandler: CheckHandler | null = null;
let deviceHandler: ((details: object) => boolean) | null = null;

export const defaultSession = {
  setPermissionRequestHandler(handler: RequestHandler): void {
    requestHandler = handler;
  },
  setPermissionCheckHandler(handler: CheckHandler): void {
    checkHandler = handler;
  },
  setDevicePermissionHandler(handler: (details: object) => boolean): void {
    deviceHandler = handler;
  },
};

/** Electron's names and Chromium's. Source: chromedevtools.github.io, Browser.PermissionDescriptor */
const names = [
  ['geolocation', 'geolocation'],
  ['notifications', 'notifications'],
  ['midi', 'midi'],
  ['clipboard-sanitized-write', 'clipboard-write'],
  ['clipboard-read', 'clipboard-read'],
  ['media', 'camera'],
  ['media', 'microphone'],
] as const;

/** Asks the app's handlers for a page's address. An app without them allows everything, as Electron does. */
export async function applyPermissions(url: string): Promise<void> {
  const { browser } = await chromium();
  const requestingUrl = toElectron(url);
  for (const [electronName, name] of names) {
    let granted = requestHandler === null;
    requestHandler?.(
      null,
      electronName,
      answer => {
        granted = answer;
      },
      { requestingUrl },
    );
    granted &&= checkHandler?.(null, electronName, requestingUrl) ?? true;
    const setting = granted ? 'granted' : 'denied';
    await browser.send('Browser.setPermission', { permission: { name }, setting, origin: new URL(url).origin });
  }
}

/** What the app answers for a device; true without a handler, as in Electron. */
export const mayUseDevice = (): boolean => deviceHandler?.({}) ?? true;
