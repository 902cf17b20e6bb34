/** Owns the names by which page, preload and main process hand over a MessagePort. The renderer's side is client/transports.ts. */

/** From the page to its preload, and from there to the main process: give me a port. */
export const portRequestMessage = 'slipway:port-request';
/** The way back, with the port. */
export const portMessage = 'slipway:port';
