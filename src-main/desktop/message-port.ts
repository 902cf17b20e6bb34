/** Owns how the desktop's page reaches the engine: a MessagePort for each asking page, with the contract's router behind it. */
import { RPCHandler } from '@orpc/server/message-port';
import { type IpcMainEvent, ipcMain, MessageChannelMain, type MessagePortMain } from 'electron';
import type { EngineRouter } from '../host/router.ts';
import type { Logger } from '../telemetry/logger.ts';
import { isInterfaceFrame } from './interface-address.ts';
import { portMessage, portRequestMessage } from './port-messages.ts';

export interface PortBridge {
  /** Settles when a page has had an answer to `engine.status`, which it asks first. */
  readonly answered: Promise<void>;
  stop(): void;
}

/** Electron's port with the events that oRPC listens to; their types differ, not their meaning. */
function eventsOf(port: MessagePortMain) {
  return {
    on(event: string, listener: (event?: { data: unknown }) => void): void {
      if (event === 'message') port.on('message', ({ data }) => listener({ data }));
      if (event === 'close') port.on('close', () => listener());
    },
    postMessage: (message: unknown) => port.postMessage(message),
  };
}

/** Answers port requests of the interface's own top frame until stopped; others are logged and get nothing. */
export function startPortBridge(router: EngineRouter, logger: Logger): PortBridge {
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
  const open = new Set<MessagePortMain>();
  const connect = ({ senderFrame }: IpcMainEvent) => {
    if (!senderFrame || !isInterfaceFrame(senderFrame)) {
      logger.warn('desktop.port_refused', { url: senderFrame?.url ?? null });
      return;
    }
    const { port1, port2 } = new MessageChannelMain();
    open.add(port1);
    port1.on('close', () => open.delete(port1));
    handler.upgrade(eventsOf(port1), { context: {} });
    port1.start();
    senderFrame.postMessage(portMessage, null, [port2]);
  };
  ipcMain.on(portRequestMessage, connect);
  return {
    answered,
    stop() {
      ipcMain.off(portRequestMessage, connect);
      for (const port of open) port.close();
      open.clear();
    },
  };
}
