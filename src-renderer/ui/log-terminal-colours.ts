/** Owns the terminal's colours: reads them from the design tokens and says when they change. */
import type { ITheme } from '@xterm/xterm';

const tokens = {
  foreground: '--log-fg',
  selectionBackground: '--log-match-current',
  selectionInactiveBackground: '--log-match-current',
  scrollbarSliderBackground: '--line-control',
  scrollbarSliderHoverBackground: '--line-control',
  scrollbarSliderActiveBackground: '--text-muted',
  black: '--ansi-black',
  red: '--ansi-red',
  green: '--ansi-green',
  yellow: '--ansi-yellow',
  blue: '--ansi-blue',
  magenta: '--ansi-magenta',
  cyan: '--ansi-cyan',
  white: '--ansi-white',
  brightBlack: '--ansi-bright-black',
  brightRed: '--ansi-bright-red',
  brightGreen: '--ansi-bright-green',
  brightYellow: '--ansi-bright-yellow',
  brightBlue: '--ansi-bright-blue',
  brightMagenta: '--ansi-bright-magenta',
  brightCyan: '--ansi-bright-cyan',
  brightWhite: '--ansi-bright-white',
} as const satisfies Partial<Record<keyof ITheme, `--${string}`>>;

/** `#rrggbb` of any CSS colour: the browser paints it and the pixel is read back, whatever notation it computes to. */
function hexOf(css: string, canvas: CanvasRenderingContext2D): string {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = css;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map(part => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The terminal's colours in the theme that applies to `element` now. The background is see-through: marks lie behind it. */
export function readTerminalColours(element: HTMLElement): ITheme {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!canvas) return {};
  const probe = document.createElement('span');
  element.append(probe);
  const colourOf = (token: string) => {
    probe.style.color = `var(${token})`;
    return hexOf(getComputedStyle(probe).color, canvas);
  };
  const theme: ITheme = {};
  for (const [name, token] of Object.entries(tokens)) Object.assign(theme, { [name]: colourOf(token) });
  const background = colourOf('--log-bg');
  probe.remove();
  return { ...theme, background: `${background}00`, cursor: background, cursorAccent: background };
}

/** Calls back after every change of theme, system colours or contrast; returns what ends it. */
export function onThemeChange(callback: () => void): () => void {
  const observer = new MutationObserver(callback);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  const queries = ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)'].map(query =>
    matchMedia(query),
  );
  for (const query of queries) query.addEventListener('change', callback);
  return () => {
    observer.disconnect();
    for (const query of queries) query.removeEventListener('change', callback);
  };
}
