/** Gives a child of the rig Electron's `process.parentPort`; loaded before the program. */
Object.defineProperty(process, 'parentPort', {
  value: {
    postMessage: (message: object) => void process.send?.(message, undefined, undefined, () => undefined),
    on: (_event: 'message', listener: (event: { data: unknown }) => void) =>
      void process.on('message', data => listener({ data })),
  },
});
// Electron ends its utility processes together with itself.
process.on('disconnect', () => process.exit(0));
