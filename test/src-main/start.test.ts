import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressIn, openAppWindow } from '../../src-main/start/browser-window.ts';
import { buildIfStale, isStale, StartFailure } from '../../src-main/start/build-if-stale.ts';
import { chooseHost, missingDisplay, missingSandbox } from '../../src-main/start/choose-host.ts';
import { findElectron, reasonIn } from '../../src-main/start/electron-binary.ts';
import { browserCandidates, findBrowser } from '../../src-main/start/find-browser.ts';
import { mustForward, runToEnd } from '../../src-main/start/run-child.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-start-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const silent = () => undefined;

async function write(path: string, text: string, mode = 0o644): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe('chooseHost', () => {
  const browser = { name: 'Chromium' };
  const missing = { missing: 'no Chrome or Chromium is installed' };

  it('takes Electron where it can start', () => {
    expect(chooseHost({ noDisplay: null, noElectron: null, browser }).host).toBe('electron');
  });

  it('takes a browser window where there is a display but no Electron, and says why', () => {
    expect(chooseHost({ noDisplay: null, noElectron: "Electron's binary\n is missing", browser })).toEqual({
      host: 'browser-window',
      why: "Slipway opens in a window of Chromium, since Electron's binary is missing.",
    });
  });

  it('prints an address where nothing can be shown, and says why in one line', () => {
    expect(chooseHost({ noDisplay: 'there is no display', noElectron: null, browser })).toEqual({
      host: 'headless',
      why: 'Slipway starts without a window, since there is no display; open the address below in a browser.',
    });
    expect(chooseHost({ noDisplay: null, noElectron: 'a', browser: missing })).toEqual({
      host: 'headless',
      why: 'Slipway starts without a window, since a, and no Chrome or Chromium is installed; open the address below in a browser.',
    });
  });
});

describe('the facts', () => {
  it('knows a display by platform and environment', () => {
    expect(missingDisplay('linux', {})).toContain('DISPLAY');
    expect(missingDisplay('linux', { DISPLAY: '' })).not.toBeNull();
    expect(missingDisplay('linux', { DISPLAY: ':0' })).toBeNull();
    expect(missingDisplay('linux', { WAYLAND_DISPLAY: 'wayland-0' })).toBeNull();
    expect(missingDisplay('darwin', {})).toBeNull();
    expect(missingDisplay('win32', {})).toBeNull();
  });

  it("knows where Chromium's sandbox cannot be built", () => {
    const open = { isRoot: false, apparmorRestricts: '0\n', userNamespaces: '1\n', helperIsSetuid: false };
    expect(missingSandbox(open)).toBeNull();
    expect(missingSandbox({ ...open, apparmorRestricts: null, userNamespaces: null })).toBeNull();
    expect(missingSandbox({ ...open, isRoot: true, helperIsSetuid: true })).toContain('root');
    expect(missingSandbox({ ...open, apparmorRestricts: '1\n' })).toContain('apparmor');
    expect(missingSandbox({ ...open, userNamespaces: '0\n' })).toContain('unprivileged_userns_clone');
    expect(missingSandbox({ ...open, apparmorRestricts: '1\n', helperIsSetuid: true })).toBeNull();
  });

  it('finds a browser on the path, but no snap and no file that cannot be run', async () => {
    const bin = join(scratch, 'bin');
    await write(join(bin, 'google-chrome'), '', 0o644);
    expect(await findBrowser('linux', { PATH: `:relative:${bin}` })).toBeNull();
    const path = await write(join(bin, 'chromium'), '#!/bin/sh\n', 0o755);
    expect(await findBrowser('linux', { PATH: `${scratch}/none:${bin}` })).toEqual({ name: 'Chromium', path });
    expect(browserCandidates('linux', { PATH: 'relative:.' })).toEqual([]);
    expect(browserCandidates('darwin', {})[0]?.path).toMatch(/^\/Applications\/Google Chrome\.app/);
    expect(browserCandidates('win32', { PROGRAMFILES: 'C:\\P' })[0]?.path).toMatch(/^C:\\P\\Google\\Chrome/);
  });

  it('keeps the reason of a failed download, not its stack', () => {
    expect(reasonIn('RequestError: getaddrinfo ENOTFOUND github.com\n    at x (node:net:1)\n')).toBe(
      'getaddrinfo ENOTFOUND github.com',
    );
    expect(reasonIn('node:internal/x:1\n\nError: no room\n    at y\n')).toBe('no room');
    expect(reasonIn('')).toBe('no reason given');
  });
});

describe('findElectron', () => {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

  it.runIf(isRoot)('does not even download as root, which Electron refuses', async () => {
    expect(await findElectron(join(scratch, 'nowhere'), {}, silent)).toEqual({
      missing: 'Electron does not run as root',
    });
  });

  it.skipIf(isRoot || process.platform === 'win32')(
    'uses the installer, probes the binary, and says what failed',
    async () => {
      const root = join(scratch, 'electron');
      const folder = join(root, 'node_modules/electron');
      expect(await findElectron(root, process.env, silent)).toEqual({ missing: 'Electron is not installed' });
      await write(join(folder, 'install.js'), 'console.error("Error: no route"); process.exit(1);');
      expect(await findElectron(root, process.env, silent)).toEqual({
        missing: "Electron's binary could not be downloaded (no route)",
      });
      await write(join(folder, 'path.txt'), 'electron');
      const path = await write(
        join(folder, 'dist/electron'),
        '#!/bin/sh\necho "libnss3.so: error" >&2; exit 127\n',
        0o755,
      );
      expect(await findElectron(root, process.env, silent)).toEqual({
        missing: "Electron's binary does not start here (libnss3.so: error)",
      });
      await write(path, '#!/bin/sh\nexit 0\n', 0o755);
      expect(await findElectron(root, process.env, silent)).toEqual({ path });
    },
  );
});

describe('buildIfStale', () => {
  const before = new Date('2026-01-01T00:00:00Z');
  const after = new Date('2026-01-02T00:00:00Z');

  async function tree(name: string): Promise<string> {
    const root = join(scratch, name);
    for (const path of ['src-main/a.ts', 'src-renderer/b.ts', 'resources/c.svg', 'package-lock.json']) {
      await write(join(root, path), '');
    }
    for (const path of [
      'src-main/a.ts',
      'src-main',
      'src-renderer/b.ts',
      'src-renderer',
      'resources/c.svg',
      'resources',
      'package-lock.json',
    ]) {
      await utimes(join(root, path), before, before);
    }
    return root;
  }

  async function builtTree(name: string): Promise<string> {
    const root = await tree(name);
    for (const path of ['out/main/cli.js', 'out/renderer/index.html']) {
      await utimes(await write(join(root, path), ''), after, after);
    }
    return root;
  }

  /** Stands for electron-vite, which takes seconds: counts its runs and writes the two outputs. */
  const builder = `
    const fs = require('node:fs');
    fs.appendFileSync('runs.txt', 'x');
    for (const path of ['out/main', 'out/renderer']) fs.mkdirSync(path, { recursive: true });
    fs.writeFileSync('out/main/cli.js', '');
    fs.writeFileSync('out/renderer/index.html', '');
  `;

  it('sees missing outputs, newer sources, and removed ones', async () => {
    const root = await builtTree('stale');
    expect(await isStale(root)).toBe(false);
    await utimes(join(root, 'src-renderer/b.ts'), new Date(), new Date());
    expect(await isStale(root)).toBe(true);
    await utimes(join(root, 'src-renderer/b.ts'), before, before);
    await rm(join(root, 'resources/c.svg'));
    expect(await isStale(root)).toBe(true);
    await utimes(join(root, 'resources'), before, before);
    expect(await isStale(root)).toBe(false);
    await rm(join(root, 'out/renderer/index.html'));
    expect(await isStale(root)).toBe(true);
  });

  it('builds once for any number of callers, and not again', async () => {
    const root = await tree('once');
    await write(join(root, 'node_modules/electron-vite/bin/electron-vite.js'), builder);
    await Promise.all([1, 2, 3].map(() => buildIfStale(root, silent)));
    await buildIfStale(root, silent);
    expect(await readFile(join(root, 'runs.txt'), 'utf8')).toBe('x');
    await expect(stat(join(root, 'out/build.lock'))).rejects.toThrow('ENOENT');
  });

  it('takes over the lock of a builder that was killed', async () => {
    const root = await tree('killed');
    await write(join(root, 'node_modules/electron-vite/bin/electron-vite.js'), builder);
    const gone = spawn(process.execPath, ['-e', '0']);
    await once(gone, 'exit');
    await write(join(root, 'out/build.lock'), String(gone.pid));
    await buildIfStale(root, silent);
    expect(await isStale(root)).toBe(false);
  });

  it('tells of a failed build without a stack, and leaves no lock', async () => {
    const root = await tree('broken');
    await write(
      join(root, 'node_modules/electron-vite/bin/electron-vite.js'),
      'console.error("a.ts:1:2 broken\\n    at build (file.js:1)"); process.exitCode = 3;',
    );
    const said: string[] = [];
    await expect(buildIfStale(root, line => said.push(line))).rejects.toThrow(
      new StartFailure('The build failed (exit code 3); the lines above say why.'),
    );
    expect(said).toEqual(['Building Slipway …', 'a.ts:1:2 broken']);
    await expect(stat(join(root, 'out/build.lock'))).rejects.toThrow('ENOENT');
  });
});

describe('the app window', () => {
  it("finds the address in serve's output", () => {
    expect(addressIn('Slipway runs at http://127.0.0.1:4780/#token=aB_-9\n')).toBe(
      'http://127.0.0.1:4780/#token=aB_-9',
    );
    expect(addressIn('{"url":"http://127.0.0.1:1/#token=a","port":1}')).toBe('http://127.0.0.1:1/#token=a');
    expect(addressIn('http://example.org/#token=a')).toBeNull();
  });

  it.skipIf(process.platform === 'win32')('keeps the token off the command line', async () => {
    const seen = join(scratch, 'seen');
    await write(seen, '');
    const path = await write(join(scratch, 'browser'), `#!/bin/sh\nprintf '%s' "$*" > ${seen}\nexit 7\n`, 0o755);
    const url = 'http://127.0.0.1:4780/#token=secret';
    const { promise: failed, resolve } = Promise.withResolvers<string>();
    const removePage = await openAppWindow({ name: 'Chromium', path }, url, resolve);
    expect(await failed).toBe('exit code 7');
    const [, page] = /^--app=(file:\S+)$/.exec(await readFile(seen, 'utf8')) ?? [];
    const file = fileURLToPath(page ?? '');
    expect(await readFile(file, 'utf8')).toContain(`content="0;url=${url}"`);
    expect((await stat(file)).mode & 0o077).toBe(0);
    await removePage();
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });
});

describe('runToEnd', () => {
  const node = (script: string) => spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });

  it("gives the child's exit code", async () => {
    expect(await runToEnd(node('process.exit(5)'))).toBe(5);
    await expect(runToEnd(spawn(join(scratch, 'no-such-program')))).rejects.toThrow('ENOENT');
  });

  it.skipIf(process.platform === 'win32')('gives 128 + n where a signal ended it', async () => {
    const child = node('console.log("up"); setInterval(() => {}, 1000)');
    child.stdout.once('data', () => child.kill('SIGKILL'));
    expect(await runToEnd(child)).toBe(137);
  });

  it.skipIf(process.platform === 'win32')('forwards a signal once, to a child that ends in its own order', async () => {
    const listeners = process.listenerCount('SIGTERM');
    const child = node(
      'process.once("SIGTERM", () => process.exit(9)); console.log("up"); setInterval(() => {}, 1000)',
    );
    child.stdout.once('data', () => process.emit('SIGTERM', 'SIGTERM'));
    expect(await runToEnd(child)).toBe(9);
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
  });

  it('leaves Ctrl-C to the terminal', () => {
    expect(mustForward('SIGINT', { terminal: true, repeated: false })).toBe(false);
    expect(mustForward('SIGTERM', { terminal: true, repeated: false })).toBe(true);
    expect(mustForward('SIGTERM', { terminal: true, repeated: true })).toBe(false);
  });
});
