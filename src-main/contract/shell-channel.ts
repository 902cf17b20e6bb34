/** Owns the names by which page, preload and main process of the desktop reach each other. Kept without a schema: the preload carries no library. */

/** Messages both ways, as in shell.ts. */
export const shellChannel = 'slipway:shell';
/** From the preload into its page, with a MessagePort to the engine. */
export const portMessage = 'slipway:port';
/** Under this name the page finds its bridge. */
export const bridgeName = 'slipwayShell';
