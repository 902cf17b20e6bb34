/** Owns the choice between the Electron app, a browser's app window and an address to open: a pure function of facts. */

export interface HostFacts {
  /** Null where there is a display, else why there is none. */
  readonly noDisplay: string | null;
  /** Null where Electron can start, else why it cannot. */
  readonly noElectron: string | null;
  /** An installed Chrome or Chromium by its name, or why there is none to use. */
  readonly browser: { readonly name: string } | { readonly missing: string };
}

export type HostKind = 'electron' | 'browser-window' | 'headless';

export interface HostChoice {
  readonly host: HostKind;
  /** One line for a person: what is opened, and why. */
  readonly why: string;
}

/** One line, whatever was in the reason. */
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** The best host that these facts allow. */
export function chooseHost({ noDisplay, noElectron, browser }: HostFacts): HostChoice {
  if (noDisplay !== null) {
    return {
      host: 'headless',
      why: oneLine(`Slipway starts without a window, since ${noDisplay}; open the address below in a browser.`),
    };
  }
  if (noElectron === null) {
    return { host: 'electron', why: 'Slipway opens its Electron app, since there is a display and Electron is here.' };
  }
  if ('name' in browser) {
    return {
      host: 'browser-window',
      why: oneLine(`Slipway opens in a window of ${browser.name}, since ${noElectron}.`),
    };
  }
  return {
    host: 'headless',
    why: oneLine(
      `Slipway starts without a window, since ${noElectron}, and ${browser.missing}; open the address below in a browser.`,
    ),
  };
}

/** Why nothing can be shown, or null. macOS and Windows always have a screen for whoever runs a command there. */
export function missingDisplay(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string | null {
  if (platform === 'darwin' || platform === 'win32') return null;
  if (env.WAYLAND_DISPLAY || env.DISPLAY) return null;
  return 'there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)';
}

export interface SandboxFacts {
  readonly isRoot: boolean;
  /** Texts of files below /proc/sys that do not exist are null. */
  readonly apparmorRestricts: string | null;
  readonly userNamespaces: string | null;
  /** Whether the sandbox helper beside the binary belongs to root and is setuid. */
  readonly helperIsSetuid: boolean;
}

/**
 * Why Chromium's sandbox cannot be built on this Linux, or null. It is never switched off instead.
 * Source: https://chromium.googlesource.com/chromium/src/+/main/docs/security/apparmor-userns-restrictions.md
 */
export function missingSandbox(facts: SandboxFacts): string | null {
  if (facts.isRoot) return 'Electron does not run as root';
  if (facts.helperIsSetuid) return null;
  if (facts.apparmorRestricts?.trim() === '1') {
    return "this system keeps Electron's sandbox from programs that are not installed (kernel.apparmor_restrict_unprivileged_userns is 1)";
  }
  if (facts.userNamespaces?.trim() === '0') {
    return "this system keeps Electron's sandbox from unprivileged users (kernel.unprivileged_userns_clone is 0)";
  }
  return null;
}
