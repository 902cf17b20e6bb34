/** The Electron entry: one instance per data folder, its start, its end, and what a person is told when it cannot start. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { app, dialog, safeStorage } from 'electron';
import { chosenFolder } from './cli/engine-client.ts';
import { openEngineLog } from './cli/serve.ts';
import { DomainError, messageOf } from './contract/errors.ts';
import { registerInterfaceScheme } from './desktop/app-protocol.ts';
import { type DesktopOptions, parseDesktopArguments } from './desktop/command-line.ts';
import { type DesktopApp, setProfileFolder, startDesktop } from './desktop/desktop-app.ts';
import { deepLinkIn } from './domain/shell/deep-link.ts';
import { resourcesFolder } from './process/entry-points.ts';

/** A cold start with migrations takes 2 s; a loaded CI machine some times that. */
const smokeLimitMs = 120_000;

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
let showsErrors = true;

function failWith(error: unknown): void {
  exitCode = 1;
  isAgreed = true;
  const text = error instanceof DomainError ? error.message : `Slipway met an error of its own: ${messageOf(error)}`;
  process.stderr.write(`slipway: ${text}\n`);
  if (showsErrors) dialog.showErrorBox('Slipway cannot start', text);
  app.quit();
}

/** Waits until the page speaks to the engine, and says so in one line. Throws `internal` after the time limit. */
async function smoke(started: DesktopApp): Promise<void> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    limit.reject(new DomainError('internal', 'The window did not reach the engine within two minutes.'));
  }, smokeLimitMs);
  try {
    await Promise.race([started.ready, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
  process.stdout.write(`Electron ${process.versions.electron}: the window loaded and the engine answered.\n`);
  endApp();
}

/** A smoke run leaves nothing behind, unless it was told where to write. */
function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'slipway-smoke-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}

async function start(options: DesktopOptions): Promise<void> {
  const folder = chosenFolder({ data: options.data ?? (options.smoke ? temporaryFolder() : undefined) });
  setProfileFolder(folder);
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
    // A folder that is thrown away leaves nothing in the system's key store either.
    keyStore: options.smoke && options.data === undefined ? null : safeStorage,
    logger,
    onEnd: endApp,
  });
  desktop = await starting;
  const link = pendingLink ?? options.link;
  if (link !== null) desktop.openLink(link);
  if (options.smoke) await smoke(desktop);
  else desktop.ready.catch(failWith);
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
  const options = parseDesktopArguments(process.argv.slice(app.isPackaged ? 1 : 2));
  showsErrors = !options.smoke;
  start(options).catch(failWith);
} catch (error) {
  failWith(error);
}
