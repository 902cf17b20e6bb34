/** Owns BrowserWindow: its place, whether it is shown, and the page in it. Headless Chromium paints it; nobody sees it. */
import { Events, onlyKnown, strict } from './strict.ts';
import { RigWebContents } from './web-contents.ts';

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The switches that a page's safety hangs on: another value than these has no meaning here, and is refused. */
const safe = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  spellcheck: false,
} as const;

export const rigWindows: RigWindow[] = [];

export class RigWindow extends Events<'close' | 'ready-to-show'> {
  readonly contents: RigWebContents;
  readonly webContents: object;
  bounds: Bounds;
  isShown = false;
  isFocused = false;
  isMinimizedNow = false;
  isMaximizedNow = false;
  showCount = 0;

  constructor(options: Partial<Bounds> & { webPreferences: Record<string, unknown> & { preload: string } }) {
    super('BrowserWindow', ['close', 'ready-to-show']);
    onlyKnown('a BrowserWindow', options, [
      ...['title', 'icon', 'x', 'y', 'width', 'height', 'minWidth', 'minHeight', 'show', 'autoHideMenuBar'],
      ...['backgroundColor', 'webPreferences'],
    ]);
    const { preload, ...preferences } = options.webPreferences;
    onlyKnown('webPreferences', preferences, Object.keys(safe));
    for (const [name, wanted] of Object.entries(safe)) {
      if (preferences[name] !== wanted)
        throw new Error(`The Electron rig opens no window with ${name} ${preferences[name]}.`);
    }
    const { x = 100, y = 100, width = 800, height = 600 } = options;
    this.bounds = { x, y, width, height };
    this.contents = new RigWebContents(preload, preferences.nodeIntegrationInSubFrames === true);
    this.webContents = strict('webContents', this.contents);
    rigWindows.push(this);
  }

  async loadURL(url: string): Promise<void> {
    await this.contents.load(url);
    this.emit('ready-to-show');
  }

  show(): void {
    this.isShown = true;
    this.isFocused = true;
    this.showCount += 1;
  }

  hide(): void {
    this.isShown = false;
    this.isFocused = false;
  }

  focus(): void {
    this.isFocused = true;
  }

  restore(): void {
    this.isMinimizedNow = false;
  }

  isMinimized(): boolean {
    return this.isMinimizedNow;
  }

  maximize(): void {
    this.isMaximizedNow = true;
    this.show();
  }

  isMaximized(): boolean {
    return this.isMaximizedNow;
  }

  getNormalBounds(): Bounds {
    return { ...this.bounds };
  }

  /** For tests: as the button of the title bar. */
  pressClose(): void {
    if (!this.emitPreventable('close')) throw new Error('The window was closed for good.');
  }
}
