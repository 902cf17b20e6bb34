/** Owns the page's bridge to the desktop around it; null in a browser. */
import type { ShellBridge } from '../../src-main/contract/shell.ts';
import type { bridgeName } from '../../src-main/contract/shell-channel.ts';

declare global {
  interface Window {
    /** Given by the desktop's preload. */
    readonly [bridgeName]?: ShellBridge;
  }
}

export const shell: ShellBridge | null = window.slipwayShell ?? null;
