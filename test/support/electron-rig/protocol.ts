/** Owns `protocol`: schemes with privileges, registered before the app is ready, and who answers for them. */
import { onlyKnown } from './strict.ts';

type Handler = (request: Request) => Response | Promise<Response>;

const handlers = new Map<string, Handler>();
const privileged = new Set<string>();

export const protocol = {
  registerSchemesAsPrivileged(schemes: readonly { scheme: string; privileges: object }[]): void {
    for (const { scheme, privileges } of schemes) {
      onlyKnown('a scheme', privileges, ['standard', 'secure', 'supportFetchAPI']);
      privileged.add(scheme);
    }
  },
  handle(scheme: string, handler: Handler): void {
    if (!privileged.has(scheme)) throw new Error(`The Electron rig serves no scheme without privileges: ${scheme}.`);
    if (handlers.has(scheme)) throw new Error(`${scheme} is handled already.`);
    handlers.set(scheme, handler);
  },
};

/** The answer of the app's own handler; null for a scheme of the network. */
export async function answerRequest(url: string, method: string): Promise<Response | null> {
  const handler = handlers.get(new URL(url).protocol.slice(0, -1));
  if (!handler) return null;
  return handler(new Request(url, { method }));
}
