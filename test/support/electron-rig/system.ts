/** Owns what belongs to the desktop around a window: tray, menus, notifications, dialogs, screens, power, the key store. All of it is remembered for tests. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Events, onlyKnown } from './strict.ts';

export interface RigMenuItem {
  readonly label: string;
  readonly enabled: boolean;
  readonly accelerator: string | null;
  readonly click: (() => void) | null;
  readonly submenu: readonly RigMenuItem[];
}

interface Template {
  readonly label?: string;
  readonly type?: string;
  readonly role?: string;
  readonly enabled?: boolean;
  readonly accelerator?: string;
  readonly registerAccelerator?: boolean;
  readonly click?: () => void;
  readonly submenu?: readonly Template[];
}

const itemKeys = ['label', 'type', 'role', 'enabled', 'accelerator', 'registerAccelerator', 'click', 'submenu'];

class RigMenu {
  readonly items: readonly RigMenuItem[];

  constructor(template: readonly Template[]) {
    this.items = template.flatMap(item => {
      onlyKnown('a menu item', item, itemKeys);
      if (item.type === 'separator') return [];
      const label = item.label ?? item.role;
      if (label === undefined) throw new Error('A menu item has neither label nor role.');
      return {
        label,
        enabled: item.enabled ?? true,
        accelerator: item.accelerator ?? null,
        click: item.click ?? null,
        submenu: item.submenu ? new RigMenu(item.submenu).items : [],
      };
    });
  }
}

interface RigImage {
  readonly path: string;
  setTemplateImage(isTemplate: boolean): void;
}

/** What happened on the desktop, as tests look at it. */
export const desktop = {
  appMenu: [] as readonly RigMenuItem[],
  tray: null as { image: string; tooltip: string; menu: readonly RigMenuItem[]; click: () => void } | null,
  notifications: [] as { readonly title: string; readonly body: string; readonly click: () => void }[],
  dialogs: [] as { readonly message: string; readonly detail: string; readonly buttons: readonly string[] }[],
  /** Answers to the dialogs to come, by number of button; without one, a dialog stays open. */
  answers: [] as number[],
  waiting: [] as ((response: number) => void)[],
  opened: [] as string[],
  isOnBattery: false,
};

export class Tray extends Events<'click'> {
  readonly #shown = { image: '', tooltip: '', menu: [] as readonly RigMenuItem[], click: () => this.emit('click') };

  constructor(image: RigImage) {
    super('Tray', ['click']);
    this.setImage(image);
    desktop.tray = this.#shown;
  }

  setImage(image: RigImage): void {
    this.#shown.image = image.path;
  }

  setToolTip(text: string): void {
    this.#shown.tooltip = text;
  }

  setContextMenu(menu: RigMenu): void {
    this.#shown.menu = menu.items;
  }

  isDestroyed(): boolean {
    return desktop.tray !== this.#shown;
  }

  destroy(): void {
    desktop.tray = null;
  }
}

export const Menu = {
  buildFromTemplate: (template: readonly Template[]) => new RigMenu(template),
  setApplicationMenu(menu: RigMenu | null): void {
    desktop.appMenu = menu?.items ?? [];
  },
};

export class Notification extends Events<'click' | 'close'> {
  readonly #title: string;
  readonly #body: string;

  constructor(options: { readonly title: string; readonly body: string }) {
    super('Notification', ['click', 'close']);
    onlyKnown('a Notification', options, ['title', 'body']);
    this.#title = options.title;
    this.#body = options.body;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    desktop.notifications.push({ title: this.#title, body: this.#body, click: () => this.emit('click') });
  }
}

interface MessageBox {
  readonly message: string;
  readonly detail?: string;
  readonly buttons?: readonly string[];
}

export const dialog = {
  showErrorBox(title: string, content: string): void {
    desktop.dialogs.push({ message: title, detail: content, buttons: [] });
  },
  async showMessageBox(_window: object, options: MessageBox): Promise<{ response: number }> {
    onlyKnown('a message box', options, ['type', 'message', 'detail', 'buttons', 'defaultId', 'cancelId', 'noLink']);
    const { message, detail = '', buttons = ['OK'] } = options;
    desktop.dialogs.push({ message, detail, buttons });
    const known = desktop.answers.shift();
    if (known !== undefined) return { response: known };
    const { promise, resolve } = Promise.withResolvers<number>();
    desktop.waiting.push(resolve);
    return { response: await promise };
  },
};

export const nativeImage = {
  createFromPath(path: string): RigImage {
    // Electron makes an empty image of what is not there; here it is an error.
    if (!existsSync(path)) throw new Error(`There is no image ${path}.`);
    return { path, setTemplateImage: () => undefined };
  },
};

export const nativeTheme = { shouldUseDarkColors: true };

export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1040 } }],
};

export const shell = {
  openExternal: async (url: string) => void desktop.opened.push(url),
  openPath: async (path: string) => {
    desktop.opened.push(path);
    return existsSync(path) ? '' : 'Failed to open path';
  },
};

class PowerMonitor extends Events<'on-battery' | 'on-ac' | 'suspend' | 'resume' | 'shutdown'> {
  constructor() {
    super('powerMonitor', ['on-battery', 'on-ac', 'suspend', 'resume', 'shutdown']);
  }

  isOnBatteryPower(): boolean {
    return desktop.isOnBattery;
  }
}
export const powerMonitor = new PowerMonitor();

/** The user's secret, for as long as the process lives: real AES, and no place on disk. */
const secret = randomBytes(32);
export const safeStorage = {
  isAsyncEncryptionAvailable: async () => true,
  getSelectedStorageBackend: () => process.env.RIG_KEY_STORE ?? 'basic_text',
  async encryptStringAsync(plainText: string): Promise<Buffer> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce);
    const sealed = Buffer.concat([cipher.update(plainText, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  },
  async decryptStringAsync(encrypted: Buffer): Promise<{ result: string }> {
    const decipher = createDecipheriv('aes-256-gcm', secret, encrypted.subarray(0, 12));
    decipher.setAuthTag(encrypted.subarray(12, 28));
    return { result: Buffer.concat([decipher.update(encrypted.subarray(28)), decipher.final()]).toString() };
  },
};
