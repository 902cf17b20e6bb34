/** Owns the one way from the page to the main process: sender and schema are checked here, then an engine port or a shell's handler answers. */
import { RPCHandler } from '@orpc/server/message-port';
import { type IpcMainEvent, ipcMain, MessageChannelMain, type MessagePortMain, type WebFrameMain } from 'electron';
import { type FromPage, fromPageSchema } from '../contract/shell.ts';
import { portMessage, shellChannel } from '../contract/shell-channel.ts';
import { isInterfaceFrame } from '../host/interface-address.ts';
import type { EngineRouter } from '../host/router.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface PageChannel {
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

/** Answers messages of the interface's own top frame that fit the schema until stopped; others are logged and get nothing. */
export function startPageChannel(options: {
  readonly router: EngineRouter;
  readonly logger: Logger;
  readonly onMessage: (message: Exclude<FromPage, { type: 'port' }>) => void;
}): PageChannel {
  const { logger } = options;
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const handler = new RPCHandler(options.router, {
    interceptors: [
      async ({ next, request }) => {
        const result = await next();
        if (request.url.pathname === '/engine/status' && result.response?.status === 200) resolve();
        return result;
      },
    ],
  });
  const open = new Set<MessagePortMain>();
  const connect = (frame: WebFrameMain) => {
    const { port1, port2 } = new MessageChannelMain();
    open.add(port1);
    port1.on('close', () => open.delete(port1));
    handler.upgrade(eventsOf(port1), { context: {} });
    port1.start();
    frame.postMessage(portMessage, null, [port2]);
  };
  const receive = ({ senderFrame }: IpcMainEvent, input: unknown) => {
    if (!senderFrame || !isInterfaceFrame(senderFrame)) {
      logger.warn('desktop.message_refused', { url: senderFrame?.url ?? null });
      return;
    }
    const message = fromPageSchema.safeParse(input);
    if (!message.success) logger.warn('desktop.message_malformed', { issues: message.error.issues.slice(0, 3) });
    else if (message.data.type === 'port') connect(senderFrame);
    else options.onMessage(message.data);
  };
  ipcMain.on(shellChannel, receive);
  return {
    answered,
    stop() {
      ipcMain.off(shellChannel, receive);
      for (const port of open) port.close();
      open.clear();
    },
  };
}
