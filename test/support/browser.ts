/** Owns the real browser of the end-to-end tests and screenshots: an installed Chrome or Chromium, else the one from npm. */
import { existsSync } from 'node:fs';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

const installed = [
  process.env.CHROME_PATH,
  '/usr/bin/google-chrome',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** No calls home: the tests use no network. */
const quiet = [
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  ...['--disable-quic', '--disable-gpu', '--disable-extensions', '--force-color-profile=srgb'],
];

/** The program, and what it is started with. */
export async function browserProgram(): Promise<{ readonly executablePath: string; readonly args: readonly string[] }> {
  const path = installed.find(candidate => candidate !== undefined && existsSync(candidate));
  // The packaged one's own arguments are left out: they switch off the web security that the tests rely on.
  return { executablePath: path ?? (await chromium.executablePath()), args: [...quiet, ...sandboxArguments()] };
}

export async function launchBrowser(): Promise<Browser> {
  const { executablePath, args } = await browserProgram();
  return playwright.launch({ executablePath, args: [...args] });
}

/** Chromium refuses its sandbox to root, which is what a container often runs as. */
function sandboxArguments(): string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}
