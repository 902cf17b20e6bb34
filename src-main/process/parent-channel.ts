/** Owns how one of the engine's own programs talks to the process that started it: Node's fork or Electron's utilityProcess. */

export interface ParentChannel {
  /** Sending to a parent that has gone does nothing. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Electron ends its utility processes together with itself, so there it never comes. */
  onDisconnect(listener: () => void): void;
}

/** The part of Electron's `process.parentPort` that is used. Source: https://www.electronjs.org/docs/latest/api/parent-port */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

function isParentPort(value: unknown): value is ParentPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value;
}

export function openParentChannel(): ParentChannel {
  const port: unknown = Reflect.get(process, 'parentPort');
  if (isParentPort(port)) {
    return {
      send: message => port.postMessage(message),
      onMessage: listener => port.on('message', event => listener(event.data)),
      onDisconnect: () => undefined,
    };
  }
  return {
    // The callback takes the error of a parent that has just gone; `disconnect` tells.
    send: message => process.connected && process.send?.(message, undefined, undefined, () => undefined),
    onMessage: listener => process.on('message', listener),
    onDisconnect: listener => process.on('disconnect', listener),
  };
}
