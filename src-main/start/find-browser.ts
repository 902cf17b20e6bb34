/** Owns where an installed Chrome or Chromium is looked for. */
import { access, constants, realpath } from 'node:fs/promises';
import { posix, win32 } from 'node:path';

export interface Browser {
  readonly name: string;
  readonly path: string;
}

const onLinux: readonly (readonly [name: string, program: string])[] = [
  ['Chrome', 'google-chrome'],
  ['Chrome', 'google-chrome-stable'],
  ['Chromium', 'chromium'],
  ['Chromium', 'chromium-browser'],
  ['Edge', 'microsoft-edge'],
  ['Brave', 'brave-browser'],
];
const onMac: readonly (readonly [name: string, bundle: string])[] = [
  ['Chrome', 'Google Chrome.app/Contents/MacOS/Google Chrome'],
  ['Chromium', 'Chromium.app/Contents/MacOS/Chromium'],
  ['Edge', 'Microsoft Edge.app/Contents/MacOS/Microsoft Edge'],
];
const onWindows: readonly (readonly [name: string, program: string])[] = [
  ['Chrome', 'Google\\Chrome\\Application\\chrome.exe'],
  ['Chromium', 'Chromium\\Application\\chrome.exe'],
  ['Edge', 'Microsoft\\Edge\\Application\\msedge.exe'],
];

/** Where a browser may be on this platform, the best first. */
export function browserCandidates(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly Browser[] {
  if (platform === 'win32') {
    const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(root => root !== undefined);
    return onWindows.flatMap(([name, program]) => roots.map(root => ({ name, path: win32.join(root, program) })));
  }
  if (platform === 'darwin') {
    const roots = ['/Applications', ...(env.HOME ? [`${env.HOME}/Applications`] : [])];
    return onMac.flatMap(([name, bundle]) => roots.map(root => ({ name, path: posix.join(root, bundle) })));
  }
  const folders = (env.PATH ?? '').split(':').filter(folder => posix.isAbsolute(folder));
  return onLinux.flatMap(([name, program]) => folders.map(folder => ({ name, path: posix.join(folder, program) })));
}

/** A snap sees neither the temporary folder nor hidden ones, and so not the page that opens the interface. */
async function isSnap(path: string): Promise<boolean> {
  const real = await realpath(path);
  return path.startsWith('/snap/') || real === '/usr/bin/snap' || real.startsWith('/snap/');
}

/** The first browser that is installed, or null. */
export async function findBrowser(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): Promise<Browser | null> {
  for (const candidate of browserCandidates(platform, env)) {
    try {
      await access(candidate.path, constants.X_OK);
      if (!(await isSnap(candidate.path))) return candidate;
    } catch {
      // Not here; look on.
    }
  }
  return null;
}
