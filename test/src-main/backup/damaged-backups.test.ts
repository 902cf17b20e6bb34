import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { tarHeader } from '../../../src-main/artifacts/tar-header.ts';
import { headerPath } from '../../../src-main/backup/backup-format.ts';
import { backupInThread } from '../../../src-main/backup/backup-in-thread.ts';
import { checkBackup, restoreBackup } from '../../../src-main/backup/restore-backup.ts';
import { openSqlite } from '../../../src-main/database/open-sqlite.ts';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { openKeyring } from '../../../src-main/secrets/keyring.ts';
import { wrappedKeyFile } from '../../../src-main/secrets/master-key-file.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const { signal } = new AbortController();

/** A data folder as an engine leaves it, with a log of some MiB, and a backup of it. */
async function world() {
  const root = await scratchFolder();
  const folder = dataFolder(join(root, 'data'));
  await mkdir(folder.keys, { recursive: true, mode: 0o700 });
  openSqlite(folder.databaseFile, { migrateSchema: true }).close();
  const { rootPublicKey } = await openKeyring({ folder: folder.keys });
  const log = folder.jobLog('0198', 1);
  const pack = `${folder.mainStore}/packs/${'a'.repeat(64)}.tar.zst`;
  const long = `${folder.mainStore}/builds/${'b'.repeat(60)}/${'ü'.repeat(60)}.json`;
  for (const path of [log, pack, long]) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(700_001));
  }
  const file = join(root, 'backup.tar.zst');
  const make = (to = file, artifacts = true) =>
    backupInThread({ root: folder.root, file: to, artifacts }, { signal, onProgress: () => undefined });
  return { root, folder, rootPublicKey, log, pack, long, file, make, target: join(root, 'restored') };
}

it('restores every file as it was, also with names that are long and not ASCII', async () => {
  const { folder, rootPublicKey, log, pack, long, file, make, target } = await world();
  expect(await make()).toMatchObject({ artifacts: true, packsLeftOut: 0, keyWrappedBy: null });
  expect(await restoreBackup(file, target, signal)).toMatchObject({ rootPublicKey });
  for (const path of [log, pack, long, `${folder.keys}/master.key`]) {
    const restored = path.replace(folder.root, target);
    expect((await readFile(restored)).equals(await readFile(path))).toBe(true);
    expect((await stat(restored)).mode & 0o777).toBe(0o600);
  }
  await make(`${file}.2`, false);
  await restoreBackup(`${file}.2`, `${target}-2`, signal);
  expect(existsSync(pack.replace(folder.root, `${target}-2`))).toBe(false);
});

it('names what is damaged, wherever it is, and leaves nothing', async () => {
  const { root, file, make, target } = await world();
  await make();
  const whole = await readFile(file);
  const tar = await promisify(zstdDecompress)(whole);
  const at = (text: string) => tar.indexOf(text);
  const changed = async (change: (bytes: Buffer) => Buffer) => promisify(zstdCompress)(change(Buffer.from(tar)));
  const flip = (offset: number) => changed(bytes => bytes.fill((bytes[offset] ?? 0) ^ 1, offset, offset + 1));
  const evil = Buffer.concat([
    tar.subarray(0, 1024),
    tarHeader({ kind: 'file', path: 'keys/../../evil', executable: false, sizeBytes: 0 }),
    tar.subarray(1024),
  ]);
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['cut off', whole.subarray(0, whole.length / 2), /is damaged/],
    [
      'a byte of the file',
      Buffer.concat([whole.subarray(0, 9_000), Buffer.of((whole[9_000] ?? 0) ^ 1), whole.subarray(9_001)]),
      /is damaged/,
    ],
    ['a byte of a log', await flip(at('logs/0198') + 512 + 40_000), /logs\/0198\/1\.log is not as its manifest says/],
    ['a byte of the manifest', await flip(at('{"path":"slipway.db"') + 60), /is damaged/],
    ['a way out', await promisify(zstdCompress)(evil), /which no backup does/],
    ['no backup', await promisify(zstdCompress)(Buffer.from('hello')), /is damaged/],
    ['not compressed', Buffer.from('hello'), /cannot be decompressed/],
    ['empty', Buffer.alloc(0), /is damaged/],
  ];
  expect(at(headerPath)).toBe(0);
  for (const [name, bytes, message] of cases) {
    const bad = join(root, `${createHash('sha256').update(name).digest('hex').slice(0, 8)}.zst`);
    await writeFile(bad, bytes);
    const failure = { code: 'backup.damaged', message: expect.stringMatching(message) };
    await expect(checkBackup(bad, signal), name).rejects.toMatchObject(failure);
    await expect(restoreBackup(bad, target, signal), name).rejects.toMatchObject(failure);
  }
  await expect(restoreBackup(`${file}.none`, target, signal)).rejects.toMatchObject({ code: 'not_found' });
  expect((await readdir(root)).filter(name => name.startsWith('restored'))).toEqual([]);
  expect(existsSync(join(root, '..', 'evil'))).toBe(false);
});

it('refuses to back up a damaged database or key, and says the way out', async () => {
  const { root, folder, file, make } = await world();
  const sqlite = new BetterSqlite3(folder.databaseFile);
  sqlite.pragma('journal_mode = DELETE');
  sqlite.close();
  await copyFile(folder.databaseFile, `${folder.databaseFile}.whole`);
  const bytes = await readFile(folder.databaseFile);
  await writeFile(folder.databaseFile, bytes.fill(0xff, 4_096, 40_000));
  await expect(make()).rejects.toMatchObject({
    code: 'data.corrupt',
    message: expect.stringContaining('slipway restore'),
  });
  await copyFile(`${folder.databaseFile}.whole`, folder.databaseFile);
  await truncate(`${folder.keys}/master.key`, 7);
  await expect(make()).rejects.toMatchObject({ code: 'secret.key_unreadable' });
  expect((await readdir(root)).filter(name => name.startsWith('backup'))).toEqual([]);
  expect(existsSync(file)).toBe(false);
});

it('refuses keys that do not open, and takes a key that a key store holds, which it says', async () => {
  const { folder, file, make, target } = await world();
  const path = `${folder.keys}/master.key`;
  const key = await readFile(path);
  await writeFile(path, randomBytes(32));
  await make();
  await expect(restoreBackup(file, target, signal)).rejects.toMatchObject({
    code: 'secret.key_unreadable',
    message: expect.stringContaining('Use a backup from before'),
  });
  const store = {
    name: 'Test keyring',
    wrap: async (bytes: Uint8Array) => Buffer.from(bytes),
    unwrap: async (bytes: Uint8Array) => Buffer.from(bytes),
  };
  await writeFile(path, await wrappedKeyFile(key, store));
  expect(await make(`${file}.2`)).toMatchObject({ keyWrappedBy: 'Test keyring' });
  expect(await restoreBackup(`${file}.2`, target, signal)).toMatchObject({
    rootPublicKey: null,
    header: { keyWrappedBy: 'Test keyring' },
  });
});

it('holds one moment of a database that is written to all the while, and can be broken off', async () => {
  const { folder, file, make, target } = await world();
  const writer = openSqlite(folder.databaseFile, { migrateSchema: false });
  const write = writer.prepare("INSERT INTO settings (key, value) VALUES (?, '') ON CONFLICT DO NOTHING");
  let written = 0;
  const pair = writer.transaction(() => {
    written += 1;
    write.run(`left-${written}`);
    write.run(`right-${written}`);
  });
  for (let count = 0; count < 20_000; count += 1) pair();
  const running = setInterval(pair, 1);
  try {
    await make();
    const stopping = new AbortController();
    const broken = backupInThread(
      { root: folder.root, file: `${file}.2`, artifacts: true },
      { signal: stopping.signal, onProgress: () => undefined },
    );
    stopping.abort();
    await expect(broken).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(existsSync(`${file}.2`) || existsSync(`${file}.2.part`)).toBe(false);
  } finally {
    clearInterval(running);
    writer.close();
  }
  await restoreBackup(file, target, signal);
  const restored = new BetterSqlite3(join(target, 'slipway.db'), { readonly: true });
  const count = (name: string) =>
    Number(restored.prepare('SELECT count(*) FROM settings WHERE key LIKE ?').pluck().get(`${name}-%`));
  expect(count('left')).toBe(count('right'));
  expect(count('left')).toBeGreaterThanOrEqual(20_000);
  restored.close();
  expect((await readdir(folder.work)).length).toBe(0);
});
