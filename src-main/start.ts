/** Owns `npm start`: builds what is stale, then opens the best host that this machine allows, and says which and why. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressIn, openAppWindow } from './start/browser-window.ts';
import { buildIfStale } from './start/build-if-stale.ts';
import { chooseHost, missingDisplay } from './start/choose-host.ts';
import { findElectron } from './start/electron-binary.ts';
import { type Browser, findBrowser } from './start/find-browser.ts';
import { runToEnd } from './start/run-child.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => void process.stderr.write(`${line}\n`);

function runElectron(path: string, args: readonly string[]): Promise<number> {
  const env = { ...process.env };
  // Terminals inside Electron apps set it; it would make a plain Node of ours.
  delete env.ELECTRON_RUN_AS_NODE;
  return runToEnd(spawn(path, [root, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] }));
}

/** `slipway serve` with its output passed on; with a browser, its window opens as soon as the address is known. */
async function runServe(browser: Browser | null, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'out/main/cli.js'), 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let opening: Promise<() => Promise<void>> | null = null;
  let line = '';
  const cannotOpen = (reason: string) => say(`${browser?.name} did not open (${reason}). Open the address yourself.`);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    if (!browser || opening) return;
    line = (line + text).slice(-1_000);
    const url = line.includes('\n') ? addressIn(line) : null;
    if (url === null) return;
    opening = openAppWindow(browser, url, cannotOpen);
    opening.catch(error => cannotOpen(error instanceof Error ? error.message : String(error)));
  });
  const code = await runToEnd(child);
  const removePage = await Promise.resolve<(() => Promise<void>) | null>(opening).catch(() => null);
  await removePage?.();
  return code;
}

async function start(args: readonly string[]): Promise<number> {
  await buildIfStale(root, say);
  const noDisplay = missingDisplay(process.platform, process.env);
  const electron = noDisplay === null ? await findElectron(root, process.env, say) : { missing: 'there is no display' };
  const asRoot = process.platform === 'linux' && process.getuid?.() === 0;
  const browser =
    noDisplay !== null || 'path' in electron || asRoot ? null : await findBrowser(process.platform, process.env);
  const choice = chooseHost({
    noDisplay,
    noElectron: 'path' in electron ? null : electron.missing,
    browser: browser ?? { missing: asRoot ? 'browsers do not either' : 'no Chrome or Chromium is installed' },
  });
  process.stdout.write(`${choice.why}\n`);
  if (choice.host === 'electron' && 'path' in electron) return runElectron(electron.path, args);
  return runServe(choice.host === 'browser-window' ? browser : null, args);
}

try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  say(`slipway: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
