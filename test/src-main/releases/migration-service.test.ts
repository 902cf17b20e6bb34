import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../src-main/contract/activation.ts';
import { type MigrationRecord, migrationRecordSchema, storeKeys } from '../../../src-main/contract/documents.ts';
import { listEvents } from '../../../src-main/database/events.ts';
import {
  type ChannelRecord,
  findRelease,
  listNewestWithMigrations,
  type ReleaseRecord,
} from '../../../src-main/database/releases.ts';
import { maxMigrationBytes, signMigration, verifyMigration } from '../../../src-main/releases/migration-record.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addBuild } from '../../support/database-fixtures.ts';

const migrations: Migration[] = [
  { id: 'm', name: 'Migrate (django)', run: 'true', env: {}, timeoutMs: 1_000, idempotent: false },
];

type Center = Awaited<ReturnType<typeof startControlCenter>>;

async function released() {
  const center = await startControlCenter();
  const channel = await center.addChannel();
  const build = await addBuild(center.db, channel.repositoryId, { migrations });
  const release = await center.releases.release({ channel, build, kind: 'promote', reason: null });
  return { center, channel, build, release, now: () => center.releases.channel(channel.repositoryId, channel.name) };
}

async function recordIn(center: Center, channel: ChannelRecord, release: ReleaseRecord): Promise<MigrationRecord> {
  const found = await center.main.read(storeKeys.migration(channel.repositoryId, release.id), maxMigrationBytes);
  const about = { repositoryId: channel.repositoryId, channel: channel.name, releaseId: release.id };
  return verifyMigration(found?.bytes ?? Buffer.alloc(0), center.trust.current, about);
}

/** Writes the record as it would be after a machine's word; signed by the control center, whose key may say anything. */
async function say(center: Center, channel: ChannelRecord, release: ReleaseRecord, changes: Partial<MigrationRecord>) {
  const record = migrationRecordSchema.parse({ ...(await recordIn(center, channel, release)), ...changes });
  await center.main.put(storeKeys.migration(channel.repositoryId, release.id), {
    kind: 'bytes',
    bytes: signMigration(record, center.keyring.release),
  });
  await center.migrations.look();
}

const viewOf = async (center: Center, { id }: ReleaseRecord) =>
  JSON.parse((await findRelease(center.db, id))?.migration ?? 'null');

describe('a release with migrations', () => {
  it('is announced in the main store before its pointer, and followed there', async () => {
    const { center, channel, release } = await released();
    expect(await recordIn(center, channel, release)).toMatchObject({ state: 'pending', token: 0 });
    const stored = await center.pointers.read(center.main, channel);
    expect(stored?.pointer.migrations).toEqual(migrations);
    await say(center, channel, release, { state: 'running', token: 1, machineId: release.id });
    await say(center, channel, release, { state: 'succeeded', token: 1, machineId: release.id });
    expect(await viewOf(center, release)).toMatchObject({ state: 'succeeded', names: ['Migrate (django)'] });
    const events = await listEvents(center.db, { after: 0, limit: 100 });
    expect(events.filter(event => event.type === 'release.migration').map(event => event.data.state)).toEqual([
      'running',
      'succeeded',
    ]);
  });

  it('holds up every other release of its channel while a machine migrates, but never a rollback', async () => {
    const { center, channel, release, now } = await released();
    const next = await addBuild(center.db, channel.repositoryId);
    const another = await addBuild(center.db, channel.repositoryId);
    await center.releases.release({ channel: await now(), build: next, kind: 'promote', reason: null });
    await say(center, channel, release, { state: 'running', token: 1, machineId: release.id, leaseMs: 1e9 });
    // Released over meanwhile: its machine is at it still.
    await center.db
      .updateTable('releases')
      .set({ migration: '{"state":"running","token":1,"machineId":null,"names":[],"message":null,"atMs":1}' })
      .where('id', '=', release.id)
      .execute();
    const promote = async () =>
      center.releases.release({ channel: await now(), build: another, kind: 'promote', reason: null });
    await expect(promote()).rejects.toMatchObject({ code: 'release.migrating', details: { serial: 1 } });
    expect(await center.releases.rollback(await now(), 1, null)).toMatchObject({ serial: 3, migration: null });
    await say(center, channel, release, { state: 'succeeded', token: 1, machineId: release.id });
    expect(await promote()).toMatchObject({ serial: 4 });
  });

  it('that are run again or skipped by a person’s word get a higher token; there must be something to decide', async () => {
    const { center, channel, release, now } = await released();
    const decide = async (verdict: 'resume' | 'skip') => center.migrations.decide(await now(), verdict, 'looked at it');
    await expect(decide('resume')).rejects.toMatchObject({ code: 'conflict' });
    await say(center, channel, release, { state: 'failed', token: 1, machineId: release.id, message: 'exit 1' });
    await decide('resume');
    expect(await recordIn(center, channel, release)).toMatchObject({
      state: 'pending',
      token: 2,
      message: 'looked at it',
    });
    await say(center, channel, release, { state: 'running', token: 3, machineId: release.id, leaseMs: 1e9 });
    await expect(decide('skip')).rejects.toMatchObject({ code: 'conflict' });
    await say(center, channel, release, { state: 'interrupted', token: 4, machineId: release.id });
    await decide('skip');
    expect(await viewOf(center, release)).toMatchObject({ state: 'skipped', token: 5 });
  });

  it('whose machine is heard of no more is interrupted by the control center too', async () => {
    const { center, channel, release } = await released();
    await say(center, channel, release, { state: 'running', token: 1, machineId: release.id, leaseMs: 1 });
    while ((await viewOf(center, release)).state === 'running') await center.migrations.look();
    expect(await recordIn(center, channel, release)).toMatchObject({ state: 'interrupted', token: 2 });
  });

  it('runs none again for a release of the same build whose migrations were run', async () => {
    const { center, channel, build, release, now } = await released();
    await say(center, channel, release, { state: 'succeeded', token: 1, machineId: release.id });
    const again = await center.releases.release({ channel: await now(), build, kind: 'promote', reason: null });
    expect(again.migration).toBeNull();
  });

  it('is watched while it is among the newest of its own channel, however many the others have', async () => {
    const { center, channel, release, now } = await released();
    await say(center, channel, release, { state: 'succeeded', token: 1, machineId: release.id });
    const serials = async (most: number) =>
      (await listNewestWithMigrations(center.db, most)).map(({ serial }) => serial);
    const plain = await addBuild(center.db, channel.repositoryId);
    await center.releases.release({ channel: await now(), build: plain, kind: 'promote', reason: null });
    expect([await serials(1), await serials(2), await serials(20)]).toEqual([[], [1], [1]]);
    const other = await center.addChannel();
    const build = await addBuild(center.db, other.repositoryId, { migrations });
    await center.releases.release({ channel: other, build, kind: 'promote', reason: null });
    expect(await serials(1)).toEqual([1]);
    expect(await serials(2)).toEqual([1, 1]);
  });
});
