import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { contentSecurityPolicy } from '../../../src-main/host/static-files.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFile(join(root, path), 'utf8');

/** The text of every file below a folder, by path. */
async function sourcesIn(folder: string): Promise<Map<string, string>> {
  const names = await readdir(join(root, folder), { recursive: true });
  const files = names.filter(name => /\.tsx?$/.test(name)).map(name => join(folder, name));
  return new Map(await Promise.all(files.map(async file => [file, await read(file)] as const)));
}

async function table() {
  const lines = (await read('resources/security-checklist.md')).split('\n').filter(line => /^\| \d/.test(line));
  return lines.map(line => {
    const [, number = '', point = '', how = '', proof = '', test = ''] = line.split('|').map(cell => cell.trim());
    return { number: Number(number), point, how, proof, test };
  });
}

describe("Electron's security checklist", () => {
  it('has all twenty points, each with what proves it', async () => {
    const rows = await table();
    expect(rows.map(row => row.number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    for (const row of rows) {
      expect(['source', 'rig', 'real only'], `point ${row.number}`).toContain(row.proof);
      expect(row.how, `point ${row.number}`).not.toBe('');
    }
  });

  it('names tests that are there', async () => {
    const tests = [...(await sourcesIn('test')).values()].join('\n');
    const missing = (await table()).filter(
      ({ test }) => !tests.includes(`('${test}'`) && !tests.includes(`("${test}"`),
    );
    expect(missing).toEqual([]);
  });

  it('the window is opened with every safe preference', async () => {
    const text = await read('src-main/desktop/window.ts');
    const preferences = Object.fromEntries(
      [...text.matchAll(/^ {6}(\w+): (true|false),$/gm)].map(([, name, on]) => [name, on]),
    );
    expect(preferences).toEqual({
      ...{ sandbox: 'true', contextIsolation: 'true', webSecurity: 'true' },
      ...{ nodeIntegration: 'false', nodeIntegrationInWorker: 'false', nodeIntegrationInSubFrames: 'false' },
      ...{
        allowRunningInsecureContent: 'false',
        experimentalFeatures: 'false',
        webviewTag: 'false',
        spellcheck: 'false',
      },
    });
    expect(await read('src-main/desktop/guard.ts')).toContain(
      "on('will-attach-webview', event => event.preventDefault())",
    );
  });

  it('every file carries a policy that lets in nothing foreign', () => {
    const rules = contentSecurityPolicy.split('; ');
    expect(rules).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "form-action 'none'"]));
    expect(rules.filter(rule => /https?:|\*|unsafe-eval/.test(rule))).toEqual([]);
  });

  it('nothing loosens the page elsewhere', async () => {
    const loose =
      /enableBlinkFeatures|allowpopups|<webview|no-sandbox|disableBlinkFeatures|commandLine\.append|loadFile\(|'file:\/\//;
    const desktop = [
      ...(await sourcesIn('src-main/desktop')),
      ['src-main/main.ts', await read('src-main/main.ts')] as const,
    ];
    const renderer = [...(await sourcesIn('src-renderer'))];
    expect([...desktop, ...renderer].filter(([, text]) => loose.test(text)).map(([path]) => path)).toEqual([]);
    const opening = desktop.filter(([, text]) => text.includes('.openExternal(')).map(([path]) => path);
    expect(opening).toEqual(['src-main/desktop/guard.ts']);
  });

  it('Electron is pinned to one version', async () => {
    const { devDependencies } = z
      .object({ devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read('package.json')));
    expect(devDependencies.electron).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('the fuses are stated for packaging', async () => {
    const { electronFuses } = z
      .object({ electronFuses: z.record(z.string(), z.boolean()) })
      .parse(parse(await read('resources/packaging/electron-builder.yml')));
    expect(electronFuses).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
    });
  });
});
