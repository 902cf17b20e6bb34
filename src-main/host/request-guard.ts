/** Owns who may speak to the loopback host: Host, Origin and token, all checked before anything is routed. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Refusal = { readonly status: 401 | 403 | 421; readonly message: string };

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares without telling by its time how much was right. */
export function isToken(expected: string, given: string | undefined): boolean {
  return given !== undefined && timingSafeEqual(digest(expected), digest(given));
}

/** The names under which a browser on this machine may reach us. Any other Host is DNS rebinding or a mistake. */
function allowedHosts(port: number): ReadonlySet<string> {
  return new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]);
}

/**
 * Refuses requests that another web page could have caused: loopback is reachable by all of them.
 * A page of ours has our own origin; scripts send none. Source: RFC 6454; https://fetch.spec.whatwg.org/#origin-header
 */
export function refuseForeign(headers: IncomingHttpHeaders, port: number): Refusal | null {
  const hosts = allowedHosts(port);
  if (!headers.host || !hosts.has(headers.host)) {
    return { status: 421, message: `This is Slipway on loopback. Open it as http://127.0.0.1:${port}.` };
  }
  const { origin } = headers;
  if (origin !== undefined && !(origin.startsWith('http://') && hosts.has(origin.slice('http://'.length)))) {
    return { status: 403, message: 'Requests from other pages are refused.' };
  }
  const site = headers['sec-fetch-site'];
  // `none` is a person's own navigation, `same-origin` our page; a `cross-site` navigation may load the page but nothing else.
  if (site === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') {
    return { status: 403, message: 'Requests from other pages are refused.' };
  }
  return null;
}

/** The token of an API request: `Authorization: Bearer …`. No cookie, since cookies ignore ports. */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer ([A-Za-z0-9._~-]+)$/.exec(headers.authorization ?? '')?.[1];
}

/** The token of a WebSocket: a subprotocol, the only header that a page may set there. */
export function protocolToken(headers: IncomingHttpHeaders): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',').map(name => name.trim()) ?? [];
  const found = offered.find(name => name.startsWith('slipway-token.'));
  return found?.slice('slipway-token.'.length);
}
