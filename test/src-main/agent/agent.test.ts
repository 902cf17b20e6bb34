import { chmod, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MachineReport, storeKeys } from '../../../src-main/contract/documents.ts';
import { verifyReport } from '../../../src-main/releases/machine-report.ts';
import { createFilesystemStore } from '../../../src-main/stores/filesystem-store.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';
import { newSigner } from '../../support/signed-protocol.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

async function reportOf({ machineId }: { readonly machineId: string }): Promise<MachineReport> {
  const found = await at.store.read(storeKeys.report(at.repositoryId, machineId), 100_000);
  if (found === null) throw new Error('no report');
  return verifyReport(found.bytes, at.trust(), { repositoryId: at.repositoryId });
}

describe('enrollment', () => {
  it('makes private keys here, waits until trust lists them, and then reports', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1');
    expect((await stat(join(root, 'identity.json'))).mode & 0o777).toBe(0o600);
    expect(await agent.runOnce()).toEqual({ kind: 'waiting', for: 'release' });
    expect(await reportOf(machine)).toMatchObject({ phase: 'enrolled', serial: null, name: 'web-1' });
    expect(await readFile(join(root, 'identity.json'), 'utf8')).toContain('"pairingSecret": null');
  });

  it('needs a pairing code, and refuses a second agent on the same root', async () => {
    await expect(at.newAgent('web-1').runOnce()).rejects.toMatchObject({ code: 'trust.pairing_failed' });
    await at.pairedAgent('web-1');
    await expect(at.newAgent('web-1').start()).rejects.toMatchObject({ code: 'data.locked' });
  });

  it('refuses to follow another installation with the same folder', async () => {
    const { agent } = await at.pairedAgent('web-1');
    await agent.stop();
    const other = at.newAgent('web-1', { rootPublicKey: newSigner().publicKey });
    await expect(other.runOnce()).rejects.toMatchObject({ code: 'trust.untrusted' });
  });

  it('says when the machine was revoked', async () => {
    const { agent, machine } = await at.pairedAgent('web-1');
    await at.putTrust({ machines: [{ ...machine, revokedAtMs: 5 }] });
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'trust.untrusted' } });
  });
});

describe('a release', () => {
  it('is fetched, verified, switched to and reported', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1');
    const { pointer, packBytes } = await at.publish(1, { 'app.txt': 'one', 'lib/a.txt': 'a' });
    const bytes = { peers: 0, region: packBytes, reuse: 0 };
    expect(await agent.runOnce()).toEqual({ kind: 'activated', serial: 1, artifactId: pointer.artifactId, bytes });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    expect((await lstat(join(root, 'current'))).isSymbolicLink()).toBe(true);
    expect(await agent.runOnce()).toEqual({ kind: 'unchanged', serial: 1 });
    const report = await reportOf(machine);
    expect(report).toMatchObject({
      phase: 'active',
      serial: 1,
      targetSerial: 1,
      artifactId: pointer.artifactId,
      bytes,
    });
    expect(report.timeline.map(entry => entry.phase)).toEqual([
      'fetching',
      'verifying',
      'switching',
      'checking',
      'active',
    ]);
  });

  it('goes back to a kept release without fetching, and mends one that was changed', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const first = await at.publish(1, { 'app.txt': 'one' });
    await agent.runOnce();
    await at.publish(2, { 'app.txt': 'two' });
    await agent.runOnce();
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
    const { artifactId, packs } = first.pointer;
    await at.putPointer({ ...first.pointer, serial: 3 });
    const reused = { peers: 0, region: 0, reuse: first.packBytes };
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 3, bytes: reused });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    await at.publish(4, { 'app.txt': 'four' });
    await agent.runOnce();
    await writeFile(join(root, 'releases', artifactId, 'app.txt'), 'changed by hand');
    await at.putPointer({ ...first.pointer, serial: 5, packs });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 5, bytes: reused });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('keeps the last five, and packs of two', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    for (let serial = 1; serial <= 6; serial += 1) {
      await at.publish(serial, { 'app.txt': String(serial) });
      expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial });
    }
    expect((await readdir(join(root, 'releases'))).length).toBe(5);
    expect((await readdir(join(root, 'packs'))).length).toBe(2);
    expect(await at.currentFile(root, 'app.txt')).toBe('6');
  });

  it('is taken from the second store where the first is damaged', async () => {
    const { pointer, packBytes } = await at.publish(1, { 'app.txt': 'one' });
    const folder = join(at.folder, 'damaged');
    await mkdir(folder);
    const damaged = createFilesystemStore(folder);
    const key = storeKeys.pack(pointer.packs[0]?.digest ?? '');
    await damaged.put(key, { kind: 'bytes', bytes: Buffer.alloc(packBytes, 1) });
    await damaged.put(storeKeys.fileList(pointer.artifactId), { kind: 'bytes', bytes: Buffer.from('{}') });
    const { agent, root } = await at.pairedAgent('web-1', { stores: [damaged, at.store] });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', bytes: { region: packBytes } });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('is not unpacked from a damaged pack; the old one goes on', async () => {
    const { agent, root, machine } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' });
    await agent.runOnce();
    const { pointer, packBytes } = await at.publish(2, { 'app.txt': 'two' });
    const key = storeKeys.pack(pointer.packs[0]?.digest ?? '');
    await at.store.put(key, { kind: 'bytes', bytes: Buffer.alloc(packBytes, 1) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'artifact.digest_mismatch' } });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    expect(await reportOf(machine)).toMatchObject({ phase: 'failed', serial: 1, targetSerial: 2 });
    await at.publish(2, { 'app.txt': 'two' }, { ...pointer });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });
});

describe('attacks through the store', () => {
  it('cannot bring back an old pointer, freeze the channel, or swap what a serial names', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const first = await at.publish(1, { 'app.txt': 'one' });
    const second = await at.publish(2, { 'app.txt': 'two' });
    await agent.runOnce();
    const refusedAs = async (code: string) => {
      expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code } });
      expect(await at.currentFile(root, 'app.txt')).toBe('two');
    };
    await at.putPointer(first.pointer);
    await refusedAs('trust.rollback_refused');
    await at.putPointer({ ...first.pointer, serial: 2 });
    await refusedAs('trust.untrusted');
    await at.putPointer({ ...first.pointer, serial: 3 }, at.store, newSigner());
    await refusedAs('trust.untrusted');
    await at.putPointer({ ...first.pointer, serial: 3, packs: second.pointer.packs });
    await refusedAs('artifact.malformed');
    await at.putPointer(second.pointer);
    at.setNow(second.pointer.expiresAtMs);
    await refusedAs('trust.expired');
    await at.putPointer({ ...second.pointer, expiresAtMs: 99_000 });
    expect(await agent.runOnce()).toEqual({ kind: 'unchanged', serial: 2 });
  });

  it('cannot bring back an old trust document', async () => {
    const { agent } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' });
    const path = join(at.storeFolder, 'trust.json');
    const old = await readFile(path);
    await at.putTrust();
    await agent.runOnce();
    await writeFile(path, old);
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'trust.rollback_refused' } });
  });

  it('do not win where one store is honest', async () => {
    const lagging = join(at.folder, 'lagging');
    await mkdir(lagging);
    const old = createFilesystemStore(lagging);
    const { agent, root } = await at.pairedAgent('web-1', { stores: [old, at.store] });
    const first = await at.publish(1, { 'app.txt': 'one' });
    await at.putPointer(first.pointer, old);
    await agent.runOnce();
    await at.publish(2, { 'app.txt': 'two' });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await agent.runOnce()).toEqual({ kind: 'unchanged', serial: 2 });
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
  });
});

describe('the environment of a channel', () => {
  it('is waited for: a release is not started without the values that belong to it', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1');
    const { pointer } = await at.publish(1, { 'app.txt': 'one' }, { environmentVersion: 1 });
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'release.environment_pending' } });
    await expect(at.currentFile(root, 'app.txt')).rejects.toThrow('ENOENT');
    await at.putPointer({ ...pointer, environmentDigest: await at.putEnvironment({ MODE: 'one', TOKEN: 'two' }) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 1 });
    expect(await reportOf(machine)).toMatchObject({ phase: 'active', environmentNames: ['MODE', 'TOKEN'] });
    expect(JSON.stringify(await reportOf(machine))).not.toContain('"two"');
  });

  it('is taken as it was encrypted last, where stores differ under one serial', async () => {
    const second = join(at.folder, 'second');
    await mkdir(second);
    const other = createFilesystemStore(second);
    const { agent } = await at.pairedAgent('web-1', { stores: [other, at.store] });
    const { pointer } = await at.publish(1, { 'app.txt': 'one' }, { environmentVersion: 1 });
    await at.putPointer({ ...pointer, environmentDigest: 'e'.repeat(64) }, other);
    const environmentDigest = await at.putEnvironment({ MODE: 'one' });
    await at.putPointer({ ...pointer, environmentDigest, issuedAtMs: pointer.issuedAtMs + 1 });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 1 });
  });
});

describe('trouble on the machine', () => {
  it('with a store that is gone leaves everything as it is', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' });
    await agent.runOnce();
    await rm(at.storeFolder, { recursive: true });
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'store.unreachable' } });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('with something else at `current` is named', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await mkdir(join(root, 'current'));
    await at.publish(1, { 'app.txt': 'one' });
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'data.unwritable' } });
    await rm(join(root, 'current'), { recursive: true });
    await at.publish(2, { 'app.txt': 'two' });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });

  it('with keys that others can read is refused', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await agent.stop();
    await chmod(join(root, 'identity.json'), 0o644);
    await expect(at.newAgent('web-1').runOnce()).rejects.toMatchObject({ code: 'secret.key_unreadable' });
  });
});
