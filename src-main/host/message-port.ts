/** Owns the engine's side of a MessagePort: the contract's router behind each port that a page was given. */
import { RPCHandler } from '@orpc/server/message-port';
import type { EngineRouter } from './router.ts';

/** The part of Electron's `MessagePortMain` that is used. Source: https://www.electronjs.org/docs/latest/api/message-port-main */
export interface EnginePort {
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

export interface PortServer {
  serve(port: EnginePort): void;
  /** Settles when a page has had an answer to `engine.status`, which it asks first. */
  readonly answered: Promise<void>;
  stop(): void;
}

/** Electron's port with the events that oRPC listens to; their types differ, not their meaning. */
function eventsOf(port: EnginePort) {
  return {
    on(event: string, listener: (event?: { data: unknown }) => void): void {
      if (event === 'message') port.on('message', ({ data }) => listener({ data }));
      if (event === 'close') port.on('close', () => listener());
    },
    postMessage: (message: unknown) => port.postMessage(message),
  };
}

/** Serves every port that it is given until stopped. */
export function createPortServer(router: EngineRouter): PortServer {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const handler = new RPCHandler(router, {
    interceptors: [
      async ({ next, request }) => {
        const result = await next();
        if (request.url.pathname === '/engine/status' && result.response?.status === 200) resolve();
        return result;
      },
    ],
  });
  const open = new Set<EnginePort>();
  return {
    serve(port) {
      open.add(port);
      port.on('close', () => open.delete(port));
      handler.upgrade(eventsOf(port), { context: {} });
      port.start();
    },
    answered,
    stop() {
      for (const port of open) port.close();
      open.clear();
    },
  };
}
