import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InterfaceFiles, listInterfaceFiles } from '../../../src-main/host/interface-files.ts';
import { contentSecurityPolicy } from '../../../src-main/host/static-files.ts';

let root: string;
let files: InterfaceFiles;
const get = (url: string, method = 'GET') => files.answer({ url, method });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-interface-'));
  const renderer = join(root, 'renderer');
  await mkdir(join(renderer, 'assets'), { recursive: true });
  await writeFile(join(root, 'secret.txt'), 'secret');
  await writeFile(join(renderer, 'index.html'), '<!doctype html>');
  await writeFile(join(renderer, 'assets/main.js'), 'x'.repeat(200_000));
  await symlink(join(root, 'secret.txt'), join(renderer, 'linked.txt'));
  files = await listInterfaceFiles(renderer);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('listInterfaceFiles', () => {
  it('answers with the page under both of its addresses, under the policy of the loopback host', async () => {
    for (const url of ['app://slipway/', 'app://slipway/index.html', 'app://slipway/index.html?a#b']) {
      const response = get(url);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-security-policy')).toBe(contentSecurityPolicy);
      expect(await response.text()).toBe('<!doctype html>');
    }
  });

  it('answers whole with files of more than one chunk, and with headers alone to HEAD', async () => {
    const response = get('app://slipway/assets/main.js');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect((await response.text()).length).toBe(200_000);
    const head = get('app://slipway/assets/main.js', 'HEAD');
    expect(head.headers.get('content-length')).toBe('200000');
    expect(await head.text()).toBe('');
  });

  it('ends quietly when the page stops reading', async () => {
    const body = get('app://slipway/assets/main.js').body;
    await expect(body?.cancel()).resolves.toBeUndefined();
  });

  it.each([
    'app://slipway/../secret.txt',
    'app://slipway/assets/../../secret.txt',
    'app://slipway/%2e%2e/secret.txt',
    'app://slipway/..%2fsecret.txt',
    'app://slipway/linked.txt',
    'app://slipway//index.html',
    'app://slipway/assets',
    'app://slipway/constructor',
  ])('has nothing at %s', async url => {
    const response = get(url);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('secret');
  });

  it('refuses other hosts and writing', () => {
    expect(get('app://other/index.html').status).toBe(403);
    expect(get('app://slipway/index.html', 'POST').status).toBe(405);
  });

  it('is empty where nothing is built', async () => {
    expect((await listInterfaceFiles(join(root, 'nowhere'))).isEmpty).toBe(true);
  });
});
