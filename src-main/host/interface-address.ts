/** Owns the address under which the desktop shows the interface, and who counts as the interface. Knows nothing of Electron. */

export const interfaceScheme = 'app';
const interfaceHost = 'slipway';
export const interfaceUrl = `${interfaceScheme}://${interfaceHost}/index.html`;

/** What Electron tells of the frame that a message came from. */
export interface SenderFrame {
  readonly url: string;
  readonly parent: unknown;
}

/** True for an address of our own files, and for nothing that merely looks like one. */
export function isInterfaceUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  return (
    url.protocol === `${interfaceScheme}:` && url.host === interfaceHost && url.username === '' && url.password === ''
  );
}

/** True for the window's own top frame with our own page in it; a frame that has gone is null. */
export function isInterfaceFrame(frame: SenderFrame | null): boolean {
  return frame !== null && frame.parent === null && isInterfaceUrl(frame.url);
}

/** The interface copies text on a person's click, and needs nothing else: the desktop itself tells of failed builds. */
export function isAllowedPermission(permission: string, requester: string): boolean {
  return permission === 'clipboard-sanitized-write' && isInterfaceUrl(requester);
}
