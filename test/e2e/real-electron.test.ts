/** The desktop app in the real Electron, where its binary is and there is a display: that it starts, is sandboxed, and its page reaches the engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { missingDisplay } from '../../src-main/start/choose-host.ts';
import { installedElectron } from '../../src-main/start/electron-binary.ts';
import { projectRoot } from '../support/cli.ts';

const executablePath = await installedElectron(projectRoot, process.env);
const canRun =
  executablePath !== null && missingDisplay(process.platform, process.env) === null && process.getuid?.() !== 0;

describe.skipIf(!canRun)('the real Electron', () => {
  test('the real app opens its window on the interface, sandboxed', async () => {
    const data = await mkdtemp(join(tmpdir(), 'slipway-electron-'));
    const app = await _electron.launch({
      executablePath: executablePath ?? '',
      args: [projectRoot, '--data', data, '--plain-key'],
    });
    try {
      const page = await app.firstWindow();
      await page.getByRole('button', { name: 'Try the sample project' }).waitFor({ timeout: 120_000 });
      expect(page.url()).toMatch(/^app:\/\/slipway\/index\.html/);
      expect(
        await page.evaluate(() => ({
          bridge: Object.keys(Reflect.get(window, 'slipwayShell') ?? {}),
          node: ['require', 'process', 'module'].filter(name => name in window),
        })),
      ).toEqual({ bridge: ['send', 'onMessage'], node: [] });
      const isSandboxed = await app.evaluate(({ app: electron, BrowserWindow }) => {
        const pid = BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId();
        return electron.getAppMetrics().find(metric => metric.pid === pid)?.sandboxed ?? null;
      });
      // Told on macOS and Windows alone; elsewhere the preload itself runs only where the sandbox lets it.
      expect([true, null]).toContain(isSandboxed);
    } finally {
      const ended = new Promise(resolve => app.process().once('exit', resolve));
      await app.evaluate(({ app: electron }) => electron.quit()).catch(() => undefined);
      await ended;
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
