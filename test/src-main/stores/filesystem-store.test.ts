import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { translateFilesystemError } from '../../../src-main/stores/filesystem-errors.ts';
import { filesystemRoot } from '../../../src-main/stores/filesystem-root.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { describeStore, openStore } from '../../../src-main/stores/open-store.ts';
import { locateStore } from '../../../src-main/stores/store-location.ts';
import { bytesOf, describeStoreConformance, entriesOf } from '../../support/store-conformance.ts';

describeStoreConformance('filesystem', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  const url = pathToFileURL(root).href;
  return {
    store: createFilesystemStore(url),
    sibling: createFilesystemStore(root),
    resumes: true,
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});

const text = (value: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(value) });

describe('the filesystem store', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('does not make a missing root, and says what to do', async () => {
    const store = createFilesystemStore(join(root, 'not-mounted'));
    const unreachable = { code: 'store.unreachable', message: expect.stringContaining('mount') };
    await expect(store.check()).rejects.toMatchObject(unreachable);
    await expect(store.put('a', text('x'))).rejects.toMatchObject(unreachable);
    await expect(store.read('a', 1)).rejects.toMatchObject(unreachable);
    await expect(entriesOf(store.list(''))).rejects.toMatchObject(unreachable);
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses a root that is a file', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(createFilesystemStore(join(root, 'file')).check()).rejects.toMatchObject({ code: 'store.malformed' });
  });

  it('follows no symbolic link out of the store', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'slipway-outside-'));
    try {
      await writeFile(join(outside, 'secret'), 'secret');
      await symlink(outside, join(root, 'packs'));
      await symlink(join(outside, 'secret'), join(root, 'doc'));
      const store = createFilesystemStore(root);
      const malformed = { code: 'store.malformed' };
      await expect(store.put('packs/x', text('x'))).rejects.toMatchObject(malformed);
      await expect(store.read('packs/secret', 10)).rejects.toMatchObject(malformed);
      await expect(store.read('doc', 10)).rejects.toMatchObject(malformed);
      await expect(store.get('doc')).rejects.toMatchObject(malformed);
      expect(await entriesOf(store.list(''))).toEqual([]);
      expect(await readdir(outside)).toEqual(['secret']);
    } finally {
      await rm(outside, { recursive: true, force: true });
    }
  });

  it('takes over the lock of a dead holder, and leaves nothing of a put but the blob', async () => {
    const store = createFilesystemStore(root, { lockStaleMs: 30 });
    await store.put('p', text('1'));
    const probe = createFilesystemStore(root);
    await probe.put('p', text('2'));
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
    const { createHash } = await import('node:crypto');
    const lock = join(root, '.tmp', `${createHash('sha256').update('p').digest('hex').slice(0, 32)}.lock`);
    await writeFile(lock, '00000000-0000-4000-8000-000000000000');
    await Promise.all([
      store.put('p', text('3')),
      createFilesystemStore(root, { lockStaleMs: 30 }).put('p', text('4')),
    ]);
    expect(['3', '4']).toContain(await readFile(join(root, 'p'), 'utf8'));
    await expect(readFile(lock)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('removes temp files that lost their writer at its check, and only those', async () => {
    await mkdir(join(root, '.tmp'));
    await writeFile(join(root, '.tmp', 'old.part'), 'x');
    await writeFile(join(root, '.tmp', 'older.kept'), 'x');
    await writeFile(join(root, '.tmp', 'old.kept'), 'x');
    await writeFile(join(root, '.tmp', 'new.part'), 'x');
    const twoHoursAgo = Date.now() / 1000 - 7_200;
    await utimes(join(root, '.tmp', 'old.part'), twoHoursAgo, twoHoursAgo);
    await utimes(join(root, '.tmp', 'old.kept'), twoHoursAgo, twoHoursAgo);
    await utimes(join(root, '.tmp', 'older.kept'), twoHoursAgo - 604_800, twoHoursAgo - 604_800);
    await createFilesystemStore(root).check();
    expect(await readdir(join(root, '.tmp'))).toEqual(['new.part', 'old.kept']);
  });

  it('shows the old blob or the new one when a writer is killed', async () => {
    const source = join(root, 'source');
    const folder = join(root, 'store');
    await mkdir(folder);
    await writeFile(source, Buffer.alloc(8 * 1024 * 1024, 'n'));
    const store = createFilesystemStore(folder);
    await store.put('blob', text('old'));
    const module = pathToFileURL(join(import.meta.dirname, '../../../src-main/stores/filesystem-store.ts')).href;
    const program = `
      import { createFilesystemStore } from ${JSON.stringify(module)};
      const store = createFilesystemStore(${JSON.stringify(folder)});
      console.log('ready');
      for (;;) await store.put('blob', { kind: 'file', path: ${JSON.stringify(source)}, sizeBytes: ${8 * 1024 * 1024} });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    while ((await store.head('blob'))?.sizeBytes === 3) await new Promise(resolve => setImmediate(resolve));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const bytes = await bytesOf(await store.get('blob'));
    expect(bytes.length).toBe(8 * 1024 * 1024);
    expect(bytes.every(byte => byte === 'n'.charCodeAt(0))).toBe(true);
    expect((await entriesOf(store.list(''))).map(entry => entry.key)).toEqual(['blob']);
  });

  describe('a put that goes on', () => {
    const bytes = randomBytes(6 * 1024 * 1024 + 5);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const folder = () => join(root, 'store');
    const source = () => ({ kind: 'file' as const, path: join(root, 'source'), sizeBytes: bytes.length });

    beforeEach(async () => {
      await mkdir(folder());
      await writeFile(join(root, 'source'), bytes);
    });

    /** Puts in another process until 4 MiB were written, kills it there, and gives the state that it had saved. */
    async function killedPut(): Promise<string> {
      const module = pathToFileURL(join(import.meta.dirname, '../../../src-main/stores/filesystem-store.ts')).href;
      const program = `
        import { createFilesystemStore } from ${JSON.stringify(module)};
        const store = createFilesystemStore(${JSON.stringify(folder())});
        let asked = 0;
        await store.put('packs/a', ${JSON.stringify(source())}, {
          resume: { state: null, save: async state => console.log('state', state) },
          throttle: async bytes => {
            if (asked >= 4 * 1024 * 1024) {
              console.log('there');
              await new Promise(() => setInterval(() => undefined, 60_000));
            }
            asked += bytes;
          },
        });
      `;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let state = '';
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith('state ')) state = line.slice('state '.length);
        if (line === 'there') break;
      }
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      return state;
    }

    async function goOn(state: string): Promise<number> {
      let askedBytes = 0;
      const store = createFilesystemStore(folder());
      await store.check();
      await store.put('packs/a', source(), {
        sha256,
        resume: { state, save: async () => undefined },
        throttle: async part => {
          askedBytes += part;
        },
      });
      expect((await readFile(join(folder(), 'packs/a'))).equals(bytes)).toBe(true);
      expect(await readdir(join(folder(), '.tmp'))).toEqual([]);
      return askedBytes;
    }

    it('begins where a killed one stopped', async () => {
      const state = await killedPut();
      expect(await goOn(state)).toBe(bytes.length - 4 * 1024 * 1024);
    });

    it('begins where what is there is damaged', async () => {
      const state = await killedPut();
      const handle = await open(join(folder(), '.tmp', state), 'r+');
      await handle.write(Buffer.alloc(64), 0, 64, 2 * 1024 * 1024 + 1);
      await handle.close();
      expect(await goOn(state)).toBe(bytes.length - 2 * 1024 * 1024);
    });

    it('takes no name from its state that is not one of its own', async () => {
      await writeFile(join(root, 'precious'), 'precious');
      expect(await goOn('../../precious')).toBe(bytes.length);
      expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
    });
  });

  it('reads a blob to its end although it is replaced meanwhile', async () => {
    const store = createFilesystemStore(root);
    await store.put('a', { kind: 'bytes', bytes: Buffer.alloc(1024 * 1024, 'o') });
    const stream = await store.get('a');
    await store.put('a', text('n'));
    expect((await bytesOf(stream)).toString()).toBe('o'.repeat(1024 * 1024));
  });

  it('names the blob on this machine', () => {
    expect(createFilesystemStore(root).localPath('packs/a.zst')).toBe(join(root, 'packs', 'a.zst'));
  });

  it('translates what the file system says', () => {
    const codeOf = (code: string) => translateFilesystemError(Object.assign(new Error(code), { code }), '/s');
    expect(codeOf('ENOSPC')).toMatchObject({ code: 'store.full', retry: 'automatic' });
    expect(codeOf('EDQUOT')).toMatchObject({ code: 'store.full' });
    expect(codeOf('EROFS')).toMatchObject({ code: 'store.forbidden', message: expect.stringContaining('read-only') });
    expect(codeOf('EACCES')).toMatchObject({ code: 'store.forbidden' });
    expect(codeOf('EIO')).toMatchObject({ code: 'store.unreachable' });
    expect(translateFilesystemError(new TypeError('a bug'), '/s')).toBeInstanceOf(TypeError);
  });
});

describe('store URLs', () => {
  it('are read as a person means them', () => {
    expect(filesystemRoot('file:///srv/a%20b')).toBe('/srv/a b');
    expect(filesystemRoot('/srv/blobs/../blobs/')).toBe('/srv/blobs');
    expect(describeStore('file:///srv/blobs')).toEqual({ kind: 'filesystem', label: 'Folder', place: '/srv/blobs' });
    expect(describeStore('gs://bucket/pre/')).toMatchObject({ kind: 'gcs', place: 'bucket/pre' });
  });

  it.each([
    '',
    'blobs',
    './blobs',
    'file://host/srv',
    'file:///',
    '/',
    'file:///a%2Fb',
    'file:///a?b',
    'ftp://x/y',
    'gs://',
    '/a\0b',
    'file:///a%00b',
  ])('refuses %j', async url => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'store.url_invalid',
      message: expect.stringContaining('/srv/blobs'),
    });
  });

  it('names no credentials of a URL that holds some', () => {
    expect(() => describeStore('s3://user:pass@bucket/x')).toThrow(/^(?!.*pass).*credentials/);
  });

  it.each([
    ['gs://bucket/a//b/', { kind: 'gcs', bucket: 'bucket', prefix: 'a/b/', endpoint: null }],
    ['gs://bucket?endpoint=http://127.0.0.1:9/', { kind: 'gcs', prefix: '', endpoint: 'http://127.0.0.1:9' }],
    ['s3://my.bucket/x?region=eu-west-1', { kind: 's3', bucket: 'my.bucket', prefix: 'x/', region: 'eu-west-1' }],
    ['azure://account/container/x', { kind: 'azure', account: 'account', bucket: 'container', prefix: 'x/' }],
  ])('reads %s', (url, location) => {
    expect(locateStore(url)).toMatchObject(location);
  });

  it.each([
    ['gs://bucket?region=eu', 'region'],
    ['s3://bucket?endpoint=http://u:p@host', 'endpoint'],
    ['s3://bucket?endpoint=file:///etc', 'endpoint'],
    ['s3://bucket/%2e%2e/x%0a', 'segments'],
    ['s3://bucket:80/x', 'port'],
    ['azure://account', 'container'],
    ['azure://Not_An_Account/container', 'account'],
  ])('refuses %s and says why', (url, problem) => {
    expect(() => locateStore(url)).toThrow(problem);
  });

  it('opens a folder', async () => {
    expect((await openStore('file:///srv/blobs')).url).toBe('file:///srv/blobs');
  });
});
