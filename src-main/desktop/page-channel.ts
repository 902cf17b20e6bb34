/** Owns the one way from the page to the main process: sender and schema are checked here, then an engine port or a shell's handler answers. */
import { type IpcMainEvent, ipcMain, MessageChannelMain } from 'electron';
import { type FromPage, fromPageSchema } from '../contract/shell.ts';
import { portMessage, shellChannel } from '../contract/shell-channel.ts';
import { isInterfaceFrame } from '../host/interface-address.ts';
import type { PortServer } from '../host/message-port.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Answers messages of the interface's own top frame that fit the schema, until the returned function is called; others are logged and get nothing. */
export function hearPage(options: {
  readonly ports: PortServer;
  readonly logger: Logger;
  readonly onMessage: (message: Exclude<FromPage, { type: 'port' }>) => void;
}): () => void {
  const { ports, logger } = options;
  const receive = ({ senderFrame }: IpcMainEvent, input: unknown) => {
    if (!senderFrame || !isInterfaceFrame(senderFrame)) {
      logger.warn('desktop.message_refused', { url: senderFrame?.url ?? null });
      return;
    }
    const message = fromPageSchema.safeParse(input);
    if (!message.success) {
      logger.warn('desktop.message_malformed', { issues: message.error.issues.slice(0, 3) });
    } else if (message.data.type === 'port') {
      const { port1, port2 } = new MessageChannelMain();
      ports.serve(port1);
      senderFrame.postMessage(portMessage, null, [port2]);
    } else options.onMessage(message.data);
  };
  ipcMain.on(shellChannel, receive);
  return () => ipcMain.off(shellChannel, receive);
}
