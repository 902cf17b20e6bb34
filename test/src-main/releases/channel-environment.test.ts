import { readdir, readFile, rm } from 'node:fs/promises';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { updateMachine } from '../../../src-main/database/machines.ts';
import type { ChannelRecord } from '../../../src-main/database/releases.ts';
import { createEnrollRequest, parsePairing } from '../../../src-main/releases/enrollment.ts';
import { openEnvironment } from '../../../src-main/releases/environment.ts';
import { pointerIdentity } from '../../../src-main/releases/pointer-document.ts';
import type { BlobStore } from '../../../src-main/stores/blob-store.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';
import { newSigner } from '../../support/signed-protocol.ts';

type Center = Awaited<ReturnType<typeof startControlCenter>>;

async function newChannel(clock: () => number = Date.now) {
  const center = await startControlCenter({ clock });
  const channel = await center.addChannel();
  const build = await center.publishBuild(channel.repositoryId);
  const place = { repositoryId: channel.repositoryId, channel: channel.name };
  return {
    center,
    channel,
    build,
    setVariable: (name: string, value: string) => center.values.set('variable', { ...place, name, value }),
    setSecret: (name: string, value: string) => center.values.set('secret', { ...place, name, value }),
    remove: (kind: 'variable' | 'secret', name: string) => center.values.remove(kind, { ...place, name }),
    promote: (what = build) => center.releases.release({ channel, build: what, kind: 'promote', reason: null }),
    rollback: async (serial?: number) =>
      center.releases.rollback(await center.releases.channel(channel.repositoryId, channel.name), serial, null),
  };
}

/** A machine that enrolls through the main store, as an agent does. */
async function enroll(center: Center, channel: ChannelRecord, name: string) {
  const identity = await generateIdentity();
  const place = { repositoryId: channel.repositoryId, channel: channel.name, name, region: null };
  const { machineId, secret } = parsePairing((await center.machines.invite(place)).secret);
  const request = { ...place, machineId, publicKey: newSigner().publicKey };
  const ageRecipient = await identityToRecipient(identity);
  const bytes = createEnrollRequest({ ...request, ageRecipient }, secret);
  await center.main.put(storeKeys.enroll(channel.repositoryId, machineId), { kind: 'bytes', bytes });
  await center.machines.look();
  return { machineId, identity };
}

async function pointerIn(center: Center, channel: ChannelRecord, store: BlobStore) {
  const stored = await center.pointers.read(store, channel);
  if (!stored) throw new Error('there is no pointer');
  return stored.pointer;
}

/** What a machine with this key reads of the pointer in a store. */
async function valuesFor(center: Center, channel: ChannelRecord, identity: string, store = center.main) {
  const { environmentDigest: digest } = await pointerIn(center, channel, store);
  if (digest === null) return null;
  const found = await store.read(storeKeys.environment(channel.repositoryId, channel.name, digest), 1_000_000);
  return openEnvironment(found?.bytes ?? Buffer.alloc(0), identity, digest);
}

describe('a release of a channel with values', () => {
  it('carries them to every machine, in the main store and a region, as ciphertext alone', async () => {
    const { center, channel, setVariable, setSecret, promote } = await newChannel();
    const region = await center.addRegion('eu');
    const { identity } = await enroll(center, channel, 'web-1');
    await setVariable('MODE', 'fast-and-plain');
    await setSecret('DATABASE_URL', 'postgres://harbour:pass@db');
    expect(await promote()).toMatchObject({ serial: 1, environmentVersion: 1 });
    await center.reconciler.start();
    const values = { MODE: 'fast-and-plain', DATABASE_URL: 'postgres://harbour:pass@db' };
    expect(await valuesFor(center, channel, identity)).toEqual(values);
    await eventually(() => center.pointers.read(region.store, channel), { what: 'the pointer of the region' });
    expect(await valuesFor(center, channel, identity, region.store)).toEqual(values);
    for (const root of [`${center.home}/store`, region.path]) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const text = await readFile(`${entry.parentPath}/${entry.name}`, 'latin1');
        expect(text.includes('harbour:pass') || text.includes('fast-and-plain'), entry.name).toBe(false);
      }
    }
  });

  it('keeps the version while nothing changes, and takes the next one for changes, with the same build', async () => {
    const { setVariable, remove, promote } = await newChannel();
    expect(await promote()).toMatchObject({ serial: 1, environmentVersion: null, environmentDigest: null });
    await setVariable('MODE', 'one');
    expect(await promote()).toMatchObject({ serial: 2, environmentVersion: 1 });
    expect(await promote()).toMatchObject({ serial: 3, environmentVersion: 1 });
    await setVariable('MODE', 'two');
    await setVariable('MODE', 'one');
    expect(await promote()).toMatchObject({ serial: 4, environmentVersion: 1 });
    await remove('variable', 'MODE');
    expect(await promote()).toMatchObject({ serial: 5, environmentVersion: 2 });
  });

  it('says before it is made whether values change', async () => {
    const { center, channel, setVariable, promote } = await newChannel();
    const next = async () => {
      const { releases } = center;
      const now = await releases.channel(channel.repositoryId, channel.name);
      const [current] = now.currentReleaseId
        ? await center.db.selectFrom('releases').selectAll().where('id', '=', now.currentReleaseId).execute()
        : [];
      return center.environments.next(now, current ?? null);
    };
    await promote();
    expect(await next()).toEqual({ version: null, changes: false });
    await setVariable('MODE', 'one');
    expect(await next()).toEqual({ version: 1, changes: true });
    await promote();
    expect(await next()).toEqual({ version: 1, changes: false });
  });
});

describe('a rollback', () => {
  it('restores the values of the release that it goes back to, also after a change alone', async () => {
    const { center, channel, setSecret, promote, rollback } = await newChannel();
    const { identity } = await enroll(center, channel, 'web-1');
    await setSecret('TOKEN', 'the first token');
    await promote();
    await setSecret('TOKEN', 'the second token');
    await promote();
    expect(await valuesFor(center, channel, identity)).toEqual({ TOKEN: 'the second token' });
    expect(await rollback()).toMatchObject({ serial: 3, kind: 'rollback', environmentVersion: 1 });
    expect(await valuesFor(center, channel, identity)).toEqual({ TOKEN: 'the first token' });
    await expect(rollback(1)).rejects.toMatchObject({ code: 'conflict' });
    expect(await rollback(2)).toMatchObject({ serial: 4, environmentVersion: 2 });
  });

  it('reaches a machine that was paired after the release that it goes back to', async () => {
    const { center, channel, setVariable, promote, rollback } = await newChannel();
    await enroll(center, channel, 'web-1');
    await setVariable('MODE', 'one');
    await promote();
    await setVariable('MODE', 'two');
    await promote(await center.publishBuild(channel.repositoryId));
    const { identity } = await enroll(center, channel, 'web-2');
    await rollback();
    expect(await valuesFor(center, channel, identity)).toEqual({ MODE: 'one' });
  });
});

describe('a machine that comes later', () => {
  it('finds the values encrypted to it before the trust document lists it, under the same serial', async () => {
    const { center, channel, setVariable, promote } = await newChannel();
    await setVariable('MODE', 'one');
    await promote();
    const before = await pointerIn(center, channel, center.main);
    expect(before).toMatchObject({ environmentVersion: 1, environmentDigest: null });
    const first = await enroll(center, channel, 'web-1');
    expect(await valuesFor(center, channel, first.identity)).toEqual({ MODE: 'one' });
    const second = await enroll(center, channel, 'web-2');
    for (const { identity } of [first, second]) {
      expect(await valuesFor(center, channel, identity)).toEqual({ MODE: 'one' });
    }
    const after = await pointerIn(center, channel, center.main);
    expect(after.serial).toBe(1);
    expect(pointerIdentity(after)).toBe(pointerIdentity(before));
  });

  it('and one that was revoked no longer opens what is encrypted from then on', async () => {
    const { center, channel, setVariable, promote } = await newChannel();
    const gone = await enroll(center, channel, 'web-1');
    const stays = await enroll(center, channel, 'web-2');
    await setVariable('MODE', 'one');
    await promote();
    await center.machines.revoke(gone.machineId);
    await setVariable('MODE', 'two');
    await promote();
    expect(await valuesFor(center, channel, stays.identity)).toEqual({ MODE: 'two' });
    await expect(valuesFor(center, channel, gone.identity)).rejects.toMatchObject({ code: 'secret.key_unreadable' });
  });

  it('with a recipient that is none keeps nobody else from the values', async () => {
    const { center, channel, setVariable, promote } = await newChannel();
    const { identity } = await enroll(center, channel, 'web-1');
    const odd = await enroll(center, channel, 'web-2');
    await updateMachine(center.db, odd.machineId, { ageRecipient: 'age1x' });
    await setVariable('MODE', 'one');
    await promote();
    expect(await valuesFor(center, channel, identity)).toEqual({ MODE: 'one' });
  });
});

it('puts values that a store lost back into it', async () => {
  let aheadMs = 0;
  const { center, channel, setVariable, promote } = await newChannel(() => Date.now() + aheadMs);
  const { identity } = await enroll(center, channel, 'web-1');
  await setVariable('MODE', 'one');
  await promote();
  await rm(`${center.home}/store/channels/${channel.repositoryId}/${channel.name}`, { recursive: true });
  aheadMs = 120_000;
  await center.reconciler.start();
  await eventually(async () => (await valuesFor(center, channel, identity))?.MODE === 'one', { what: 'the values' });
});

describe('the values at rest', () => {
  it('are sealed where they are secret, bound to channel and name', async () => {
    const { center, channel, setSecret, promote } = await newChannel();
    const other = await center.addChannel();
    await setSecret('TOKEN', 'correct horse');
    await promote();
    const rows = await center.db.selectFrom('channelValues').selectAll().execute();
    const versions = await center.db.selectFrom('channelEnvironments').selectAll().execute();
    expect(JSON.stringify([rows, versions])).not.toMatch(/correct horse|Y29ycmVjdCBob3JzZ/);
    await center.db.updateTable('channelValues').set({ channelId: other.id }).execute();
    const build = await center.publishBuild(other.repositoryId);
    await expect(
      center.releases.release({ channel: other, build, kind: 'promote', reason: null }),
    ).rejects.toMatchObject({ code: 'secret.key_unreadable' });
    expect((await center.releases.channel(channel.repositoryId, channel.name)).currentReleaseId).not.toBeNull();
  });

  it('are refused whole where they do not fit', async () => {
    const { center, channel, setVariable, setSecret, remove } = await newChannel();
    await setSecret('TOKEN', 'correct horse');
    await expect(setVariable('TOKEN', 'x')).rejects.toMatchObject({ code: 'conflict' });
    await expect(remove('variable', 'TOKEN')).rejects.toMatchObject({ code: 'not_found' });
    await expect(setVariable('LARGE', 'x'.repeat(600_000))).rejects.toMatchObject({ code: 'conflict' });
    const nowhere = { repositoryId: channel.repositoryId, channel: 'nowhere', name: 'A', value: 'b' };
    await expect(center.values.set('variable', nowhere)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('production'),
    });
    expect(await center.db.selectFrom('channelValues').select('name').execute()).toEqual([{ name: 'TOKEN' }]);
  });
});
