/** Owns the one pretence about addresses: Chromium lets no program add a scheme over its protocol, so `app://slipway` is an https origin there. */
const inChromium = 'https://slipway.app-scheme.invalid';
const inElectron = 'app://slipway';

export const toChromium = (url: string): string =>
  url.startsWith(inElectron) ? inChromium + url.slice(inElectron.length) : url;
export const toElectron = (url: string): string =>
  url.startsWith(inChromium) ? inElectron + url.slice(inChromium.length) : url;
