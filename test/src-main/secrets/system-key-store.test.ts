import { readFile, stat } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../../src-main/compose.ts';
import { listJobs } from '../../../src-main/database/jobs.ts';
import { listLiveWorkers } from '../../../src-main/database/workers.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { createKeyProtection, type KeyWrap } from '../../../src-main/secrets/key-protection.ts';
import { openKeyring } from '../../../src-main/secrets/keyring.ts';
import { openMasterKey } from '../../../src-main/secrets/master-key.ts';
import { openSystemKeyStore } from '../../../src-main/secrets/system-key-store.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { pipeline } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { projectFolder } from '../../support/project-folder.ts';
import { systemKeyStore } from '../../support/safe-storage.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function wrapOf(store = systemKeyStore(), platform: NodeJS.Platform = 'linux'): Promise<KeyWrap> {
  const wrap = await openSystemKeyStore(store, platform, silentLogger);
  if (!wrap) throw new Error('there is no key store');
  return wrap;
}

const holds = (bytes: Buffer, key: Buffer) =>
  [key, Buffer.from(key.toString('base64')), Buffer.from(key.toString('hex'))].some(form => bytes.includes(form));

describe("the system's key store", () => {
  it('is not taken where it keeps nothing secret, or is not there', async () => {
    expect(await openSystemKeyStore(systemKeyStore('basic_text'), 'linux', silentLogger)).toBeNull();
    expect(await openSystemKeyStore(systemKeyStore('unknown'), 'linux', silentLogger)).toBeNull();
    expect(await openSystemKeyStore(systemKeyStore('kwallet6', false), 'linux', silentLogger)).toBeNull();
    const broken = { ...systemKeyStore(), isAsyncEncryptionAvailable: () => Promise.reject(new Error('no bus')) };
    expect(await openSystemKeyStore(broken, 'linux', silentLogger)).toBeNull();
    expect((await wrapOf(systemKeyStore('kwallet6'))).name).toBe('Electron safeStorage, kwallet6');
    expect((await wrapOf(systemKeyStore('basic_text'), 'darwin')).name).toBe('Electron safeStorage');
  });
});

describe('a master key in the key store', () => {
  it('is wrapped from the first start, opens again, and is not in its file', async () => {
    const folder = `${await scratchFolder()}/keys`;
    const wrap = await wrapOf();
    const key = await openMasterKey({ folder, wrap });
    expect(await openMasterKey({ folder, wrap })).toEqual(key);
    const bytes = await readFile(`${folder}/master.key`);
    expect(holds(bytes, key)).toBe(false);
    expect(bytes.toString()).toContain('"wrappedBy":"Electron safeStorage, gnome_libsecret"');
    expect((await stat(`${folder}/master.key`)).mode & 0o777).toBe(0o600);
  });

  it('does not open without it, or for another user, and says what to do', async () => {
    const folder = `${await scratchFolder()}/keys`;
    await openMasterKey({ folder, wrap: await wrapOf() });
    await expect(openMasterKey({ folder })).rejects.toMatchObject({
      code: 'secret.key_wrapped',
      message: expect.stringContaining('slipway key unwrap'),
    });
    await expect(openMasterKey({ folder, wrap: await wrapOf() })).rejects.toMatchObject({
      code: 'secret.key_unreadable',
      message: expect.stringContaining('Unlock the key store'),
    });
  });

  it('goes in and out on demand and stays the same key; one in a file stays there until asked', async () => {
    const folder = `${await scratchFolder()}/keys`;
    const wrap = await wrapOf();
    const masterKey = await openMasterKey({ folder });
    const { rootPublicKey } = await openKeyring({ folder });
    expect(await openMasterKey({ folder, wrap })).toEqual(masterKey);
    const protection = createKeyProtection({ folder, masterKey, wrap });
    expect(await protection.state()).toEqual({ wrappedBy: null, available: wrap.name });
    expect(await protection.set(true)).toEqual({ wrappedBy: wrap.name, available: wrap.name });
    expect(holds(await readFile(`${folder}/master.key`), masterKey)).toBe(false);
    expect((await openKeyring({ folder, masterKey: await openMasterKey({ folder, wrap }) })).rootPublicKey).toBe(
      rootPublicKey,
    );
    expect(await protection.set(false)).toMatchObject({ wrappedBy: null });
    expect(await openMasterKey({ folder })).toEqual(masterKey);
    const headless = createKeyProtection({ folder, masterKey, wrap: null });
    await expect(headless.set(true)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is not replaced when the key store does not give it back', async () => {
    const folder = `${await scratchFolder()}/keys`;
    const masterKey = await openMasterKey({ folder });
    const forgetful = { ...(await wrapOf()), unwrap: async () => Buffer.alloc(32) };
    const protection = createKeyProtection({ folder, masterKey, wrap: forgetful });
    await expect(protection.set(true)).rejects.toMatchObject({ code: 'secret.key_unreadable' });
    expect(await openMasterKey({ folder })).toEqual(masterKey);
  });
});

it('an engine on a wrapped key builds with secrets, since its workers get the key from it', async () => {
  const root = await scratchFolder();
  const start = async (keyWrap: KeyWrap | null) =>
    startEngine({
      dataFolder: `${root}/data`,
      host: keyWrap ? 'desktop' : 'headless',
      launcher: createNodeLauncher(),
      logger: silentLogger,
      workers: 1,
      keyWrap,
    });
  const wrap = await wrapOf();
  const engine = await start(wrap);
  onTestFinished(() => engine.stop());
  const source = await projectFolder({
    'slipway.yml': `secrets: [TOKEN]\n${pipeline(`test "$TOKEN" = 'correct horse' && echo app > app.txt`)}`,
  });
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'First');
  // The secret is there before the first job begins.
  await engine.pool.setMode('paused');
  const { id } = await engine.repositories.add({ url: source });
  await engine.environment.setSecret({ repositoryId: id, name: 'TOKEN', value: 'correct horse' });
  await engine.pool.setMode('running');
  await eventually(
    async () => (await listJobs(engine.db, { repositoryId: id, limit: 5 })).some(job => job.status === 'succeeded'),
    { what: 'a build with the secret' },
  );
  if (process.platform === 'linux') {
    const key = await openMasterKey({ folder: `${root}/data/keys`, wrap });
    for (const { pid } of await listLiveWorkers(engine.db)) {
      for (const name of ['cmdline', 'environ']) expect(holds(await readFile(`/proc/${pid}/${name}`), key)).toBe(false);
    }
  }
  await engine.stop();
  await expect(start(null)).rejects.toMatchObject({ code: 'secret.key_wrapped' });
  const again = await start(wrap);
  await again.keyProtection.set(false);
  await again.stop();
  const headless = await start(null);
  await headless.stop();
}, 60_000);
