import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyring } from '../../../src-main/secrets/keyring.ts';
import { openMasterKey } from '../../../src-main/secrets/master-key.ts';
import { openSealed, seal } from '../../../src-main/secrets/seal.ts';
import { keyIdOf, signerFromSeed, verifySignature } from '../../../src-main/secrets/signing-keys.ts';

const unreadable = { code: 'secret.key_unreadable' };
let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'slipway-keys-')), 'keys');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

describe('the master key', () => {
  it('is made once, private, and the same for everyone who opens it at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => openMasterKey({ folder })));
    expect(keys[0]?.length).toBe(32);
    for (const key of keys) expect(key).toEqual(keys[0]);
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  it('is refused when damaged, readable by others, or a link, with the way out', async () => {
    await openMasterKey({ folder });
    const path = join(folder, 'master.key');
    await chmod(path, 0o644);
    await expect(openMasterKey({ folder })).rejects.toMatchObject({
      ...unreadable,
      message: expect.stringContaining('chmod 600'),
    });
    await chmod(path, 0o600);
    await writeFile(path, 'short');
    await expect(openMasterKey({ folder })).rejects.toMatchObject({
      ...unreadable,
      message: expect.stringContaining('backup'),
    });
    await rm(path);
    await writeFile(join(folder, 'elsewhere'), Buffer.alloc(32), { mode: 0o600 });
    await symlink(join(folder, 'elsewhere'), path);
    await expect(openMasterKey({ folder })).rejects.toMatchObject(unreadable);
  });

  it('is not made anew while keys sealed under the lost one are there', async () => {
    await openKeyring({ folder });
    await rm(join(folder, 'master.key'));
    await expect(openMasterKey({ folder })).rejects.toMatchObject({
      ...unreadable,
      message: expect.stringContaining('missing'),
    });
    expect(await readdir(folder)).not.toContain('master.key');
  });
});

describe('sealing', () => {
  const key = Buffer.alloc(32, 7);
  it('opens with the same key and purpose only, and never if a byte changed', () => {
    const sealed = seal(key, Buffer.from('value'), 'secret/1');
    expect(openSealed(key, sealed, 'secret/1').toString()).toBe('value');
    expect(() => openSealed(key, sealed, 'secret/2')).toThrow(expect.objectContaining(unreadable));
    expect(() => openSealed(Buffer.alloc(32, 8), sealed, 'secret/1')).toThrow(expect.objectContaining(unreadable));
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => openSealed(key, changed, 'secret/1'), `byte ${index}`).toThrow(expect.objectContaining(unreadable));
      expect(() => openSealed(key, sealed.subarray(0, index), 'secret/1')).toThrow(expect.objectContaining(unreadable));
    }
  });

  it('never makes the same bytes twice', () => {
    expect(seal(key, Buffer.from('v'), 'a')).not.toEqual(seal(key, Buffer.from('v'), 'a'));
  });
});

describe('the keyring', () => {
  it('keeps its two keys, private and sealed', async () => {
    const first = await openKeyring({ folder });
    const second = await openKeyring({ folder });
    expect(second.rootPublicKey).toBe(first.rootPublicKey);
    expect(second.release.keyId).toBe(first.release.keyId);
    expect(first.root.keyId).not.toBe(first.release.keyId);
    for (const name of ['root.sealed', 'release.sealed']) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
  });

  it('refuses a key put in the place of another', async () => {
    await openKeyring({ folder });
    const { copyFile } = await import('node:fs/promises');
    await copyFile(join(folder, 'release.sealed'), join(folder, 'root.sealed'));
    await expect(openKeyring({ folder })).rejects.toMatchObject(unreadable);
  });
});

describe('signing keys', () => {
  // Source: RFC 8032, section 7.1, TEST 2.
  const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
  const publicKey = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
  const signature =
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';

  it('agree with RFC 8032', () => {
    const signer = signerFromSeed(seed);
    expect(Buffer.from(signer.publicKey, 'base64url').toString('hex')).toBe(publicKey);
    expect(signer.sign(Buffer.of(0x72)).toString('hex')).toBe(signature);
    expect(signer.keyId).toBe(keyIdOf(signer.publicKey));
    expect(verifySignature(signer.publicKey, Buffer.of(0x72), Buffer.from(signature, 'hex'))).toBe(true);
  });

  it('answer false to what is malformed', () => {
    const signer = signerFromSeed(seed);
    expect(verifySignature(signer.publicKey, Buffer.of(0x73), Buffer.from(signature, 'hex'))).toBe(false);
    expect(verifySignature(signer.publicKey, Buffer.of(0x72), Buffer.alloc(10))).toBe(false);
    expect(verifySignature('nonsense', Buffer.of(0x72), Buffer.from(signature, 'hex'))).toBe(false);
    expect(() => signerFromSeed(Buffer.alloc(31))).toThrow(expect.objectContaining(unreadable));
  });
});
