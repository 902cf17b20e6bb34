/** Owns what a preload finds when it requires 'electron', in an isolated world of the page. Sent to Chromium as its own source: it uses nothing around it. */

interface RigWindow extends Window {
  /** Chromium's way out of this world, added by the rig. */
  slipwayRig?: (message: string) => void;
  /** The way in, called by the rig. */
  slipwayRigReceive?: (message: string) => void;
  slipwayRigDropped?: string;
}

/** Runs the preload with Electron's part for renderers, made of this world's own means. */
export function runPreload(preload: (require: (name: string) => unknown, exports: object) => void): void {
  const rig: RigWindow = window;
  const tell = (message: object) => rig.slipwayRig?.(JSON.stringify(message));
  const refuse = (name: string) => {
    throw new Error(`The Electron rig does not know ${name} in a preload.`);
  };
  const strict = <Known extends object>(name: string, known: Known): Known =>
    new Proxy(known, {
      get: (target, key) =>
        key in target || typeof key === 'symbol' ? Reflect.get(target, key) : refuse(`${name}.${key}`),
    });
  const listeners = new Map<string, ((event: { ports: MessagePort[] }, ...args: unknown[]) => void)[]>();
  const ports = new Map<number, MessagePort>();
  const encode = (data: unknown) => {
    if (typeof data === 'string') return { text: data };
    if (data instanceof Uint8Array) return { base64: btoa(String.fromCharCode(...data)) };
    return refuse('a port with messages other than text and bytes');
  };
  rig.slipwayRigReceive = text => {
    const message = JSON.parse(text);
    if (message.kind === 'port-message') {
      const { text: plain, base64 } = message.data;
      ports.get(message.port)?.postMessage(plain ?? Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)));
    } else if (message.kind === 'port-closed') {
      ports.get(message.port)?.close();
    } else {
      const handed = message.ports.map((id: number) => {
        const { port1, port2 } = new MessageChannel();
        ports.set(id, port1);
        port1.onmessage = ({ data }) => tell({ kind: 'port-message', port: id, data: encode(data) });
        return port2;
      });
      for (const listener of listeners.get(message.channel) ?? []) listener({ ports: handed }, ...message.args);
    }
  };
  const electron = strict('electron', {
    ipcRenderer: strict('ipcRenderer', {
      send: (channel: string, ...args: unknown[]) => tell({ kind: 'ipc', channel, args }),
      on: (channel: string, listener: (event: { ports: MessagePort[] }, ...args: unknown[]) => void) => {
        listeners.set(channel, [...(listeners.get(channel) ?? []), listener]);
      },
    }),
    contextBridge: strict('contextBridge', {
      // Worlds share the document and no object: calls pass as events, whose details Chromium clones.
      exposeInMainWorld: (name: string, api: Record<string, (...args: unknown[]) => unknown>) => {
        document.addEventListener(`rig-call-${name}`, event => {
          if (!(event instanceof CustomEvent)) return;
          const { method, args } = event.detail;
          const given = args.map((argument: { callback?: number; value?: unknown }) =>
            argument.callback === undefined
              ? argument.value
              : (...values: unknown[]) =>
                  document.dispatchEvent(
                    new CustomEvent(`rig-callback-${name}`, { detail: { callback: argument.callback, values } }),
                  ),
          );
          api[method]?.(...given);
        });
        const methods = Object.keys(api);
        if (methods.some(key => typeof api[key] !== 'function')) refuse('a bridge of other than functions');
        const expose = () => document.dispatchEvent(new CustomEvent('rig-expose', { detail: { name, methods } }));
        document.addEventListener('rig-main-world', expose);
        expose();
      },
    }),
    webUtils: strict('webUtils', {
      // Chromium tells no page the path of a file; the rig knows which one it let fall.
      getPathForFile: (file: File) => {
        const path = rig.slipwayRigDropped ?? '';
        return path.endsWith(`/${file.name}`) ? path : '';
      },
    }),
  });
  const required = (name: string) => (name === 'electron' ? electron : refuse(`require('${name}')`));
  preload(required, {});
}

/** The page's side of the context bridge. Runs in the main world, before the page's own scripts. */
export function receiveBridges(): void {
  document.addEventListener('rig-expose', exposed => {
    if (!(exposed instanceof CustomEvent) || exposed.detail.name in window) return;
    const { name, methods } = exposed.detail;
    const callbacks: ((...values: unknown[]) => void)[] = [];
    document.addEventListener(`rig-callback-${name}`, event => {
      if (event instanceof CustomEvent) callbacks[event.detail.callback]?.(...event.detail.values);
    });
    const api = methods.map((method: string) => [
      method,
      (...args: (((...values: unknown[]) => void) | object)[]) => {
        const given = args.map(value =>
          typeof value === 'function' ? { callback: callbacks.push((...values) => value(...values)) - 1 } : { value },
        );
        document.dispatchEvent(new CustomEvent(`rig-call-${name}`, { detail: { method, args: given } }));
      },
    ]);
    Object.defineProperty(window, name, { value: Object.freeze(Object.fromEntries(api)), enumerable: true });
  });
  document.dispatchEvent(new CustomEvent('rig-main-world'));
}
