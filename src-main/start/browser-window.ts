/** Owns the interface in an app window of an installed browser, without the token on any command line. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from './find-browser.ts';

/** The first address with a token that `slipway serve` prints, or null. */
export function addressIn(output: string): string | null {
  return /http:\/\/127\.0\.0\.1:\d{1,5}\/#token=[A-Za-z0-9._~-]+/.exec(output)?.[0] ?? null;
}

/** A page that leads to `url`, which is one of `addressIn` and so needs no escaping. */
const pageTo = (url: string) =>
  `<!doctype html><meta charset="utf-8"><title>Slipway</title><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url}">`;

/**
 * Opens `url` in an app window. A command line can be read by every user of this machine, so the token goes through
 * a page that only this user can read. Gives what removes that page.
 */
export async function openAppWindow(
  browser: Browser,
  url: string,
  onFailure: (reason: string) => void,
): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-open-'));
  const page = join(folder, 'slipway.html');
  await writeFile(page, pageTo(url), { mode: 0o600 });
  const child = spawn(browser.path, [`--app=${pathToFileURL(page).href}`], { stdio: 'ignore', detached: true });
  child.once('error', error => onFailure(error.message));
  child.once('exit', code => {
    if (code !== 0 && code !== null) onFailure(`exit code ${code}`);
  });
  child.unref();
  return () => rm(folder, { recursive: true, force: true });
}
