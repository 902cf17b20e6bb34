import { execFile } from 'node:child_process';
import { open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import type { AuditFinding } from '../../../src-main/contract/replication-api.ts';
import { updateMachine } from '../../../src-main/database/machines.ts';
import { findReplica } from '../../../src-main/database/regions.ts';
import { sumTraffic } from '../../../src-main/database/traffic.ts';
import { createEnrollRequest, parsePairing } from '../../../src-main/releases/enrollment.ts';
import { signReport } from '../../../src-main/releases/machine-report.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { eventually } from '../../support/eventually.ts';
import { machineOf, newSigner, reportOf } from '../../support/signed-protocol.ts';

const touch = (...args: readonly string[]) => promisify(execFile)('touch', args);

/** Turns a bit as a failing disk does: size, time and inode stay, so that no head can tell. */
async function rot(path: string): Promise<void> {
  const { size } = await stat(path);
  // Times to the nanosecond, which no call of Node can set.
  await touch('-r', path, `${path}.time`);
  const file = await open(path, 'r+');
  try {
    const at = Math.floor(size / 2);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.of(buffer.readUInt8(0) ^ 1), 0, 1, at);
  } finally {
    await file.close();
  }
  await touch('-r', `${path}.time`, path);
  await rm(`${path}.time`);
}

const flip = async (path: string) => {
  const bytes = await readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path, bytes);
};
const cut = async (path: string) => truncate(path, Math.floor((await stat(path)).size / 2));
const grow = async (path: string) => writeFile(path, 'more', { flag: 'a' });
const empty = (path: string) => truncate(path, 0);
const zero = async (path: string) => writeFile(path, Buffer.alloc((await stat(path)).size));
const remove = (path: string) => rm(path);
const replaceBy = (other: string) => async (path: string) => writeFile(path, await readFile(other));

type Center = Awaited<ReturnType<typeof startControlCenter>>;

/** Two builds, one released with values for an enrolled machine, in the main store and two regions. */
async function world() {
  const center = await startControlCenter();
  const [region, other] = [await center.addRegion('eu'), await center.addRegion('us')];
  const channel = await center.addChannel();
  const place = { repositoryId: channel.repositoryId, channel: channel.name };
  const [build, second] = [
    await center.publishBuild(channel.repositoryId),
    await center.publishBuild(channel.repositoryId),
  ];
  const rival = await center.addChannel();
  const rivalBuild = await center.publishBuild(rival.repositoryId);
  const machineKey = newSigner();
  const { machineId, secret } = parsePairing(
    (await center.machines.invite({ ...place, name: 'web-1', region: null })).secret,
  );
  const request = { ...place, machineId, name: 'web-1', region: null, publicKey: machineKey.publicKey };
  const ageRecipient = await identityToRecipient(await generateIdentity());
  const enroll = createEnrollRequest({ ...request, ageRecipient }, secret);
  await center.main.put(storeKeys.enroll(channel.repositoryId, machineId), { kind: 'bytes', bytes: enroll });
  await center.machines.look();
  await center.values.set('variable', { ...place, name: 'MODE', value: 'fast' });
  await center.releases.release({ channel, build: second, kind: 'promote', reason: null });
  await center.reconciler.start();
  const pointerKey = storeKeys.pointer(channel.repositoryId, channel.name);
  await eventually(() => region.store.head(pointerKey), { what: 'the first pointer' });
  const stale = { pointer: `${center.folder}/stale-pointer`, trust: `${center.folder}/stale-trust` };
  await writeFile(stale.pointer, await readFile(`${region.path}/${pointerKey}`));
  await writeFile(stale.trust, await readFile(`${region.path}/${storeKeys.trust}`));
  await center.releases.release({ channel, build, kind: 'promote', reason: null });
  await center.releases.release({ channel: rival, build: rivalBuild, kind: 'promote', reason: null });
  await center.trust.renew();
  center.reconciler.signal();
  const rivalKey = storeKeys.pointer(rival.repositoryId, rival.name);
  for (const { store, id } of [region, other]) {
    for (const { packDigest } of [build, second, rivalBuild]) {
      await eventually(async () => (await findReplica(center.db, packDigest, id))?.status === 'verified', {
        what: 'copies',
      });
    }
    await eventually(async () => (await center.pointers.read(store, channel))?.pointer.serial === 2, {
      what: 'serial 2',
    });
    await eventually(() => store.head(rivalKey), { what: 'the other pointer' });
  }
  const digest = (await center.pointers.read(center.main, channel))?.pointer.environmentDigest ?? '';
  return { center, region, other, channel, build, second, machineId, machineKey, pointerKey, rivalKey, stale, digest };
}

type World = Awaited<ReturnType<typeof world>>;

interface Damage {
  readonly name: string;
  readonly key: string;
  readonly hurt: (path: string) => Promise<void>;
  readonly problem: AuditFinding['problem'];
  readonly action?: AuditFinding['action'];
}

/** What may befall an object, wherever it lies. `at` gives the path of another object of the same store. */
function damages(
  { build, second, channel, pointerKey, rivalKey, stale, digest }: World,
  at: (key: string) => string,
): Damage[] {
  const { repositoryId } = channel;
  const pack = storeKeys.pack(build.packDigest);
  const torrent = storeKeys.torrent(build.packDigest);
  const list = storeKeys.fileList(build.artifactId);
  const record = storeKeys.build(repositoryId, build.id);
  const sbom = storeKeys.sbom(repositoryId, build.id);
  const values = storeKeys.environment(repositoryId, channel.name, digest);
  const damaged = (name: string, key: string, hurt: Damage['hurt']): Damage => ({
    name,
    key,
    hurt,
    problem: 'damaged',
  });
  const missing = (name: string, key: string): Damage => ({ name, key, hurt: remove, problem: 'missing' });
  return [
    damaged('a pack in which a bit turned in silence', pack, rot),
    damaged('a pack that was written over', pack, flip),
    damaged('a pack that was cut short', pack, cut),
    damaged('a pack that grew', pack, grow),
    damaged('a pack that was emptied', pack, empty),
    damaged('a pack of zeros', pack, zero),
    damaged('a pack in the place of another', pack, replaceBy(at(storeKeys.pack(second.packDigest)))),
    missing('a pack that was deleted', pack),
    damaged('a torrent in which a bit turned', torrent, rot),
    damaged('a torrent of another pack', torrent, replaceBy(at(storeKeys.torrent(second.packDigest)))),
    missing('a torrent that was deleted', torrent),
    damaged('a file list in which a bit turned', list, rot),
    damaged('a file list of another artifact', list, replaceBy(at(storeKeys.fileList(second.artifactId)))),
    missing('a file list that was deleted', list),
    damaged('a record that was written over', record, flip),
    damaged('a record of another build', record, replaceBy(at(storeKeys.build(repositoryId, second.id)))),
    missing('a record that was deleted', record),
    damaged('an SBOM in which a bit turned', sbom, rot),
    missing('an SBOM that was deleted', sbom),
    damaged('a pointer that was cut short', pointerKey, cut),
    damaged('a pointer in which a bit turned', pointerKey, rot),
    { name: 'a pointer of before', key: pointerKey, hurt: replaceBy(stale.pointer), problem: 'stale' },
    { name: 'a pointer of another channel', key: pointerKey, hurt: replaceBy(at(rivalKey)), problem: 'misplaced' },
    missing('a pointer that was deleted', pointerKey),
    damaged('a trust document that was cut short', storeKeys.trust, cut),
    { name: 'a trust document of before', key: storeKeys.trust, hurt: replaceBy(stale.trust), problem: 'stale' },
    missing('a trust document that was deleted', storeKeys.trust),
    damaged('values in which a bit turned', values, rot),
    missing('values that were deleted', values),
  ];
}

async function auditOf(center: Center, regionId: string | null) {
  const { audit } = center.reconciler;
  const found = (await center.stores.regional()).find(({ region }) => region.id === regionId);
  return audit.verify(found ?? (await audit.mainStore()), { deep: true });
}

async function expectAllRepaired(here: World, regionId: string | null, root: string): Promise<number> {
  const { center, build } = here;
  const all = damages(here, key => `${root}/${key}`);
  for (const { name, key, hurt, problem } of all) {
    const path = `${root}/${key}`;
    const before = await readFile(path);
    await hurt(path);
    const { findings } = await auditOf(center, regionId);
    const isCopiedAgain = regionId !== null && key === storeKeys.pack(build.packDigest);
    const action = isCopiedAgain ? 'queued' : 'repaired';
    expect(findings, name).toEqual([expect.objectContaining({ key, problem, action })]);
    if (isCopiedAgain) {
      const isVerified = async () => (await findReplica(center.db, build.packDigest, regionId))?.status === 'verified';
      await eventually(isVerified, { what: `the copy after ${name}` });
    }
    // A pointer is signed anew; all else is the same bytes again.
    if (key !== here.pointerKey) expect((await readFile(path)).equals(before), name).toBe(true);
  }
  // Each look found one thing alone, so what was found before was repaired; this is for the last.
  expect((await auditOf(center, regionId)).findings).toEqual([]);
  return all.length;
}

describe('the audit', () => {
  it('finds and repairs every damage to what lies in a region', async () => {
    const here = await world();
    expect(await expectAllRepaired(here, here.region.id, here.region.path)).toBeGreaterThanOrEqual(22);
  });

  it('finds and repairs the same in the main store, from a region', async () => {
    const here = await world();
    expect(await expectAllRepaired(here, null, `${here.center.home}/store`)).toBeGreaterThanOrEqual(22);
  });

  it('reports what is not ours and deletes nothing of it; a report waits for its machine', async () => {
    const { center, region, channel, machineId, machineKey } = await world();
    await updateMachine(center.db, machineId, { revokedAt: null });
    const strange = [
      'packs/README.txt',
      `packs/${'e'.repeat(64)}.tar.zst`,
      'other/thing.bin',
      'machines/stranger.json',
    ];
    for (const key of strange) await region.store.put(key, { kind: 'bytes', bytes: Buffer.from('theirs') });
    const machine = machineOf(machineKey, { machineId, repositoryId: channel.repositoryId });
    const report = storeKeys.report(channel.repositoryId, machineId);
    await region.store.put(report, { kind: 'bytes', bytes: signReport(reportOf(machine), machineKey) });
    expect((await auditOf(center, region.id)).findings.map(({ key }) => key).sort()).toEqual([...strange].sort());
    await flip(`${region.path}/${report}`);
    const { findings } = await auditOf(center, region.id);
    expect(findings).toContainEqual(expect.objectContaining({ key: report, problem: 'damaged', action: 'reported' }));
    for (const key of strange) {
      expect(findings).toContainEqual(expect.objectContaining({ key, problem: 'foreign', action: 'reported' }));
      expect(await region.store.head(key)).not.toBeNull();
    }
  });

  it('says that nothing good is left where every copy is damaged, with the store too, until it is', async () => {
    const { center, region, other, build } = await world();
    const key = storeKeys.pack(build.packDigest);
    const good = await readFile(`${region.path}/${key}`);
    for (const root of [region.path, other.path, `${center.home}/store`]) await flip(`${root}/${key}`);
    const { findings } = await auditOf(center, null);
    const done = expect.stringContaining('build the revision again');
    expect(findings).toEqual([expect.objectContaining({ key, action: 'failed', done })]);
    const told = async () => (await center.reconciler.audit.mainStore()).region.error;
    expect(JSON.parse((await told()) ?? '{}')).toMatchObject({ message: expect.stringContaining(key) });
    await writeFile(`${center.home}/store/${key}`, good);
    expect((await auditOf(center, null)).findings).toEqual([]);
    expect(await told()).toBeNull();
  });

  it('reads nothing of a region that is as it was proven, and only what was written since', async () => {
    const { center, region, build } = await world();
    const target = (await center.stores.regional()).find(candidate => candidate.region.id === region.id);
    if (!target) throw new Error('no such region');
    const shallow = () => center.reconciler.audit.verify(target, { deep: false });
    expect(await shallow()).toMatchObject({ bytesRead: 0, findings: [] });
    // Moved away and back: written, as far as the store can tell, though no byte of it changed.
    const path = `${region.path}/${storeKeys.pack(build.packDigest)}`;
    const bytes = await readFile(path);
    await writeFile(`${path}.new`, bytes);
    await rename(`${path}.new`, path);
    expect(await shallow()).toMatchObject({ bytesRead: bytes.length, findings: [] });
    expect(await shallow()).toMatchObject({ bytesRead: 0, findings: [] });
    const { bytesRead, bytesSent } = await sumTraffic(center.db, region.id, Date.now(), 1);
    // Three packs were sent and read back once each; then one was read again.
    expect(bytesRead).toBe(4 * bytes.length);
    expect(bytesSent).toBeGreaterThanOrEqual(3 * bytes.length);
  });

  it('looks by itself at what is due, and has it copied again', async () => {
    let aheadMs = 0;
    const center = await startControlCenter({ clock: () => Date.now() + aheadMs });
    const region = await center.addRegion('eu');
    const build = await center.publishBuild((await center.addChannel()).repositoryId);
    await center.reconciler.start();
    const isVerified = async () => (await findReplica(center.db, build.packDigest, region.id))?.status === 'verified';
    await eventually(isVerified, { what: 'the copy' });
    await center.reconciler.audit.tick();
    const path = `${region.path}/${storeKeys.pack(build.packDigest)}`;
    await rot(path);
    // A day later its head tells nothing; a month later its bytes are read.
    aheadMs = 2 * 24 * 60 * 60_000;
    await center.reconciler.audit.tick();
    expect(await isVerified()).toBe(true);
    aheadMs = 32 * 24 * 60 * 60_000;
    const good = await readFile(`${center.home}/store/${storeKeys.pack(build.packDigest)}`);
    expect((await readFile(path)).equals(good)).toBe(false);
    await center.reconciler.audit.tick();
    await eventually(async () => (await isVerified()) && (await readFile(path)).equals(good), { what: 'the repair' });
  });
});
