/** Owns one page: a target of Chromium with a preload in an isolated world, its frames, its navigation, and what is asked before it goes elsewhere. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { toChromium, toElectron } from './address.ts';
import { chromium, type Session } from './cdp.ts';
import { ipcEvents } from './ipc.ts';
import { fromPage, type PortData, pageGone, portDataSchema, type RigPort } from './message-ports.ts';
import { receiveBridges, runPreload } from './preload-world.ts';
import { answerRequest } from './protocol.ts';
import { applyPermissions, defaultSession } from './session.ts';
import { Events, strict } from './strict.ts';

const world = 'slipway-preload';
const attachedSchema = z.object({ sessionId: z.string() });
const createdSchema = z.object({ targetId: z.string() });
const frameSchema = z.object({ id: z.string(), parentId: z.string().optional(), url: z.string() });
const contextSchema = z.object({
  context: z.object({ id: z.number(), name: z.string(), auxData: z.object({ frameId: z.string() }) }),
});
const requestSchema = z.object({
  requestId: z.string(),
  frameId: z.string(),
  resourceType: z.string(),
  request: z.object({ url: z.string(), method: z.string() }),
});
const toldSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ipc'), channel: z.string(), args: z.array(z.unknown()) }),
  z.object({ kind: z.literal('port-message'), port: z.number(), data: portDataSchema }),
]);

interface Frame {
  url: string;
  readonly parentId: string | null;
  /** The preload's world in it. */
  contextId: number | null;
}

export class RigWebContents extends Events<
  | 'will-navigate'
  | 'will-frame-navigate'
  | 'will-redirect'
  | 'will-attach-webview'
  | 'render-process-gone'
  | 'did-finish-load'
> {
  readonly session = defaultSession;
  readonly #preload: string;
  readonly #inSubFrames: boolean;
  readonly #frames = new Map<string, Frame>();
  readonly #contexts = new Map<number, string>();
  #handed: number[] = [];
  #openHandler: ((details: { url: string }) => { action: string }) | null = null;
  #page: Promise<{ session: Session; targetId: string }>;
  /** The address that the app itself asked for. */
  #asked: string | null = null;
  #loaded: (() => void) | null = null;

  constructor(preload: string, inSubFrames: boolean) {
    super('WebContents', [
      ...(['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview'] as const),
      ...(['render-process-gone', 'did-finish-load'] as const),
    ]);
    this.#preload = preload;
    this.#inSubFrames = inSubFrames;
    this.#page = this.#open();
  }

  async #open(): Promise<{ session: Session; targetId: string }> {
    const { browser, session: sessionOf } = await chromium();
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' }, createdSchema);
    const attached = await browser.call('Target.attachToTarget', { targetId, flatten: true }, attachedSchema);
    const session = sessionOf(attached.sessionId);
    session.on('Page.frameAttached', z.object({ frameId: z.string(), parentFrameId: z.string() }), params => {
      this.#frames.set(params.frameId, { url: '', parentId: params.parentFrameId, contextId: null });
    });
    session.on('Page.frameNavigated', z.object({ frame: frameSchema }), ({ frame }) => {
      const contextId = this.#frames.get(frame.id)?.contextId ?? null;
      this.#frames.set(frame.id, { url: frame.url, parentId: frame.parentId ?? null, contextId });
    });
    session.on('Runtime.executionContextCreated', contextSchema, ({ context }) => {
      if (context.name !== world) return;
      const { frameId } = context.auxData;
      const frame = this.#frames.get(frameId) ?? { url: '', parentId: null, contextId: null };
      if (frame.parentId === null) pageGone(this.#handed.splice(0));
      this.#frames.set(frameId, { ...frame, contextId: context.id });
      this.#contexts.set(context.id, frameId);
    });
    session.on(
      'Runtime.bindingCalled',
      z.object({ name: z.string(), payload: z.string(), executionContextId: z.number() }),
      ({ payload, executionContextId }) => this.#hear(payload, this.#contexts.get(executionContextId) ?? null),
    );
    session.on('Page.loadEventFired', z.unknown(), () => {
      this.#loaded?.();
      this.emit('did-finish-load');
    });
    session.on('Page.windowOpen', z.object({ url: z.string() }), ({ url }) => {
      const answer = this.#openHandler?.({ url: toElectron(url) });
      if (answer?.action !== 'deny') throw new Error('The Electron rig opens no second window.');
    });
    session.on('Inspector.targetCrashed', z.unknown(), () => {
      this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 139 });
    });
    session.on('Fetch.requestPaused', requestSchema, request => void this.#answer(session, targetId, request));
    browser.on(
      'Target.targetCreated',
      z.object({ targetInfo: z.object({ targetId: z.string(), openerId: z.string().optional() }) }),
      ({ targetInfo }) => {
        if (targetInfo.openerId === targetId)
          void browser.send('Target.closeTarget', { targetId: targetInfo.targetId });
      },
    );
    await browser.send('Target.setDiscoverTargets', { discover: true });
    await Promise.all([session.send('Page.enable'), session.send('Runtime.enable'), session.send('Inspector.enable')]);
    await session.send('Runtime.addBinding', { name: 'slipwayRig', executionContextName: world });
    await session.send('Page.addScriptToEvaluateOnNewDocument', { source: `(${receiveBridges})()` });
    const guard = this.#inSubFrames ? 'true' : 'window.top === window';
    const preload = `(require, exports) => {${readFileSync(this.#preload, 'utf8')}\n}`;
    await session.send('Page.addScriptToEvaluateOnNewDocument', {
      source: `if (${guard}) (${runPreload})(${preload})`,
      worldName: world,
    });
    await session.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
    return { session, targetId };
  }

  /** A request of the page: ours are answered by `protocol.handle`, a navigation is asked about, the rest has no network. */
  async #answer(session: Session, targetId: string, paused: z.infer<typeof requestSchema>): Promise<void> {
    const { requestId, resourceType, frameId, request } = paused;
    const url = toElectron(request.url);
    if (resourceType === 'Document' && url !== this.#asked) {
      const isMainFrame = frameId === targetId;
      const isPrevented = [
        this.emitPreventable('will-frame-navigate', { url, isMainFrame }),
        isMainFrame && this.emitPreventable('will-navigate', { url }, url),
      ].includes(true);
      if (isPrevented) return session.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
    }
    if (isMainDocument(resourceType, frameId, targetId)) await applyPermissions(request.url);
    const answer = await answerRequest(url, request.method);
    if (!answer) return session.send('Fetch.failRequest', { requestId, errorReason: 'InternetDisconnected' });
    return session.send('Fetch.fulfillRequest', {
      requestId,
      responseCode: answer.status,
      responseHeaders: [...answer.headers].map(([name, value]) => ({ name, value })),
      body: Buffer.from(await answer.arrayBuffer()).toString('base64'),
    });
  }

  #hear(payload: string, frameId: string | null): void {
    const told = toldSchema.parse(JSON.parse(payload));
    if (told.kind === 'port-message') fromPage(told.port, told.data);
    else ipcEvents.emit(told.channel, { senderFrame: frameId === null ? null : this.frame(frameId) }, ...told.args);
  }

  /** What Electron calls WebFrameMain. */
  frame(id: string): object {
    const frame = this.#frames.get(id);
    const parent: object | null = frame?.parentId ? this.frame(frame.parentId) : null;
    return strict('WebFrameMain', {
      url: toElectron(frame?.url ?? ''),
      parent,
      postMessage: (channel: string, message: unknown, ports: readonly RigPort[] = []) => {
        for (const port of ports) {
          this.#handed.push(port.id);
          port.handTo((data: PortData) => this.#tell(id, { kind: 'port-message', port: port.id, data }));
        }
        this.#tell(id, { kind: 'ipc', channel, args: [message], ports: ports.map(port => port.id) });
      },
    });
  }

  /** In the order of the calls: Chromium takes one after the other. */
  #tell(frameId: string, message: object): void {
    const expression = `slipwayRigReceive(${JSON.stringify(JSON.stringify(message))})`;
    void this.#page.then(({ session }) => {
      const contextId = this.#frames.get(frameId)?.contextId;
      // A page that has gone meanwhile hears nothing.
      return session.send('Runtime.evaluate', { expression, contextId }).catch(() => undefined);
    });
  }

  send(channel: string, ...args: unknown[]): void {
    void this.#page.then(({ targetId }) => this.#tell(targetId, { kind: 'ipc', channel, args, ports: [] }));
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.#openHandler = handler;
  }

  async load(url: string): Promise<void> {
    const { session } = await this.#page;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#loaded = resolve;
    this.#asked = url;
    const navigated = z.object({ errorText: z.string().optional() });
    const { errorText } = await session.call('Page.navigate', { url: toChromium(url) }, navigated);
    if (errorText) throw new Error(`${url} could not be loaded: ${errorText}`);
    await promise;
    this.#asked = null;
  }

  /** For tests: Chromium's own means, past all that is asked. */
  async chromiumPage(): Promise<{ session: Session; targetId: string }> {
    return this.#page;
  }

  /** For tests: speaks as the preload's world of a frame below the page, or of the page itself. */
  async speakFrom(where: 'page' | 'subframe', channel: string, message: unknown): Promise<void> {
    const { session, targetId } = await this.#page;
    const below = [...this.#frames].find(([, frame]) => frame.parentId !== null)?.[0];
    const frameId = where === 'page' ? targetId : below;
    const contextId = frameId === undefined ? null : this.#frames.get(frameId)?.contextId;
    if (contextId === null || contextId === undefined) throw new Error(`There is no ${where} to speak from.`);
    const payload = JSON.stringify(JSON.stringify({ kind: 'ipc', channel, args: [message] }));
    await session.send('Runtime.evaluate', { expression: `slipwayRig(${payload})`, contextId });
  }
}

function isMainDocument(resourceType: string, frameId: string, targetId: string): boolean {
  return resourceType === 'Document' && frameId === targetId;
}
