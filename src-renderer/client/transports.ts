/** Owns how the interface reaches the engine: a WebSocket on loopback, or the desktop's MessagePort. */
import type { ClientContext, ClientLink } from '@orpc/client';
import { RPCLink as MessagePortLink } from '@orpc/client/message-port';
import { RPCLink as WebSocketLink } from '@orpc/client/websocket';
import type { ShellBridge } from '../../src-main/contract/shell.ts';
import { portMessage } from '../../src-main/contract/shell-channel.ts';
import { OpenFailure, type OpenTransport, type Transport } from './connection.ts';

const tokenKey = 'slipway-token';
const portWaitMs = 10_000;

/**
 * The launch token: from `#token=…` of the address, which is then cleaned, else from this tab's session.
 * Null when there is none.
 */
export function takeToken(): string | null {
  const found = /^#token=([A-Za-z0-9._~-]+)$/.exec(location.hash);
  if (found?.[1]) {
    sessionStorage.setItem(tokenKey, found[1]);
    history.replaceState(null, '', `${location.pathname}${location.search}#/overview`);
    return found[1];
  }
  return sessionStorage.getItem(tokenKey);
}

/** A token that the server refuses and a server that is gone look the same to a WebSocket; a plain request tells. */
async function explainRefusal(token: string, signal: AbortSignal): Promise<OpenFailure> {
  try {
    const response = await fetch('/api/status', { headers: { authorization: `Bearer ${token}` }, signal });
    if (response.status === 401 || response.status === 403) {
      return new OpenFailure(
        'Slipway was started again since this page was opened. Open the address that it printed at its last start.',
        { final: true },
      );
    }
  } catch {
    // No answer at all: the engine is not running.
  }
  return new OpenFailure('The engine does not answer. Is Slipway running?');
}

/** Opens `/rpc` on this page's host, with the token in the subprotocol. */
export function webSocketTransport(token: string | null): OpenTransport {
  return async signal => {
    if (token === null) {
      throw new OpenFailure('This address carries no token. Open the one that Slipway printed when it started.', {
        final: true,
      });
    }
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/rpc`, ['slipway', `slipway-token.${token}`]);
    // Blobs are read asynchronously, which could swap two messages.
    socket.binaryType = 'arraybuffer';
    const closed = new Promise<void>(resolve => socket.addEventListener('close', () => resolve(), { once: true }));
    signal.addEventListener('abort', () => socket.close(), { once: true });
    const opened = await new Promise<boolean>(resolve => {
      socket.addEventListener('open', () => resolve(true), { once: true });
      socket.addEventListener('close', () => resolve(false), { once: true });
    });
    if (!opened) throw await explainRefusal(token, signal);
    const link: ClientLink<ClientContext> = new WebSocketLink({ websocket: socket });
    return { link, closed, close: () => socket.close() };
  };
}

function portTransport(port: MessagePort): Transport {
  const closed = new Promise<void>(resolve => port.addEventListener('close', () => resolve(), { once: true }));
  const link: ClientLink<ClientContext> = new MessagePortLink({ port });
  port.start();
  return { link, closed, close: () => port.close() };
}

/** Asks the desktop for a MessagePort, and waits for its preload to hand it over. */
export function messagePortTransport(shell: ShellBridge): OpenTransport {
  return signal =>
    new Promise<Transport>((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        window.removeEventListener('message', receive);
        signal.removeEventListener('abort', abort);
      };
      const receive = (event: MessageEvent<unknown>) => {
        const port = event.ports[0];
        // Only the page's own preload may hand over a port.
        if (event.source !== window || event.data !== portMessage || !port) return;
        finish();
        resolve(portTransport(port));
      };
      const abort = () => {
        finish();
        reject(new OpenFailure('Stopped.'));
      };
      const timer = setTimeout(() => {
        finish();
        reject(new OpenFailure('The engine does not answer.'));
      }, portWaitMs);
      window.addEventListener('message', receive);
      signal.addEventListener('abort', abort, { once: true });
      shell.send({ type: 'port' });
    });
}
