/** The Electron entry: one instance per data folder, its start, its end, and what a person is told when it cannot start. */
import { dirname, join } from 'node:path';
import { app, dialog, safeStorage } from 'electron';
import { type DesktopOptions, parseDesktopArguments } from './cli/desktop-arguments.ts';
import { chosenFolder } from './cli/engine-client.ts';
import { openEngineLog } from './cli/serve.ts';
import { DomainError, messageOf } from './contract/errors.ts';
import { registerInterfaceScheme } from './desktop/app-protocol.ts';
import { type DesktopApp, startDesktop } from './desktop/desktop-app.ts';
import { deepLinkIn } from './domain/shell/deep-link.ts';
import { makeProfileFolder } from './prepare-data.ts';
import { resourcesFolder } from './process/entry-points.ts';

const built = join(dirname(resourcesFolder()), 'out');
const paths = {
  renderer: join(built, 'renderer'),
  preload: join(built, 'preload/preload.cjs'),
  icons: join(resourcesFolder(), 'icons'),
};

/** Set as soon as the start begins, so that an early end waits for what has to be ended. */
let starting: Promise<DesktopApp> | null = null;
let desktop: DesktopApp | null = null;
let pendingLink: string | null = null;
/** Once set, the app ends without asking what would stop. */
let isAgreed = false;
let exitCode = 0;

function failWith(error: unknown): void {
  exitCode = 1;
  isAgreed = true;
  const text = error instanceof DomainError ? error.message : `Slipway met an error of its own: ${messageOf(error)}`;
  process.stderr.write(`slipway: ${text}\n`);
  dialog.showErrorBox('Slipway cannot start', text);
  app.quit();
}

async function start(options: DesktopOptions): Promise<void> {
  const folder = chosenFolder(options);
  // With a profile in the data folder, there is one instance per data folder.
  app.setPath('userData', makeProfileFolder(folder));
  if (!app.requestSingleInstanceLock()) {
    // The first instance shows its window.
    process.stderr.write(`slipway: The app already runs on ${folder.root}; its window is shown.\n`);
    app.quit();
    return;
  }
  app.on('second-instance', (_event, argv) => openLink(deepLinkIn(argv)));
  app.on('activate', () => desktop?.show());
  const logger = await openEngineLog(folder);
  await app.whenReady();
  starting = startDesktop({
    folder,
    port: options.port,
    hidden: options.hidden,
    paths,
    keyStore: options.plainKey ? null : safeStorage,
    logger,
    onEnd: endApp,
  });
  desktop = await starting;
  const link = pendingLink ?? options.link;
  if (link !== null) desktop.openLink(link);
  desktop.ready.catch(failWith);
}

/** Shows the window, and what a link names; one that comes before the start waits for it. */
function openLink(link: string | null): void {
  if (link === null) desktop?.show();
  else if (desktop) desktop.openLink(link);
  else pendingLink = link;
}

registerInterfaceScheme();
// The installer registers it too; an app that is only unpacked has no other way. macOS and Windows alone need nothing installed.
if (app.isPackaged && process.platform !== 'linux') app.setAsDefaultProtocolClient('slipway');
app.on('open-url', (event, url) => {
  event.preventDefault();
  openLink(url);
});
// With its window closed the engine works on, in the tray.
app.on('window-all-closed', () => undefined);
/** Ends without a question: whoever asked for it cannot answer one. */
function endApp(): void {
  isAgreed = true;
  app.quit();
}
process.on('SIGINT', endApp);
process.on('SIGTERM', endApp);

let ended = false;
async function end(): Promise<void> {
  try {
    if (desktop && !isAgreed && !(await desktop.mayQuit())) return;
    isAgreed = true;
    // A start that failed has ended what it had begun.
    await (await starting)?.stop();
  } catch (error) {
    process.stderr.write(`slipway: ${messageOf(error)}\n`);
  }
  ended = true;
  app.exit(exitCode);
}
app.on('before-quit', event => {
  if (ended) return;
  event.preventDefault();
  void end();
});

try {
  start(parseDesktopArguments(process.argv.slice(app.isPackaged ? 1 : 2))).catch(failWith);
} catch (error) {
  failWith(error);
}
