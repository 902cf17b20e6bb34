/** Owns `ipcMain`: messages from preloads by channel, with the frame that they came from. */
type Listener = (event: { senderFrame: object | null }, ...args: unknown[]) => void;

const listeners = new Map<string, Set<Listener>>();

export const ipcMain = {
  on(channel: string, listener: Listener): void {
    const known = listeners.get(channel) ?? new Set();
    listeners.set(channel, known.add(listener));
  },
  off(channel: string, listener: Listener): void {
    listeners.get(channel)?.delete(listener);
  },
};

export const ipcEvents = {
  emit(channel: string, event: { senderFrame: object | null }, ...args: unknown[]): void {
    for (const listener of listeners.get(channel) ?? []) listener(event, ...args);
  },
};
