import { describe, expect, it } from 'vitest';
import type { MachineReport } from '../../../src-main/contract/documents.ts';
import { rolloutRequestSchema, rolloutSchema } from '../../../src-main/contract/rollout.ts';
import { insertMachine } from '../../../src-main/database/machines.ts';
import { findRelease, type ReleaseRecord } from '../../../src-main/database/releases.ts';
import { startControlCenter } from '../../support/control-center.ts';
import { addBuild } from '../../support/database-fixtures.ts';
import { machineOf, newSigner, reportOf } from '../../support/signed-protocol.ts';

async function start() {
  const center = await startControlCenter();
  const channel = await center.addChannel();
  const { repositoryId } = channel;
  const machines = ['web-1', 'web-2', 'web-3'].map(name => machineOf(newSigner(), { repositoryId, name }));
  for (const { machineId: id, name, channel: on, region, publicKey, ageRecipient } of machines) {
    const keys = { publicKey, ageRecipient, enrolledAt: 1, reportSequence: 0 };
    await insertMachine(center.db, { id, repositoryId, channel: on, name, region, ...keys });
  }
  const build = await addBuild(center.db, repositoryId);
  const rollout = rolloutRequestSchema.parse({ way: { kind: 'canary', machines: 1 } });
  const release = await center.releases.release({ channel, build, kind: 'promote', reason: null, rollout });
  const now = () => center.releases.channel(repositoryId, channel.name);
  const say = async (index: number, changes: Partial<MachineReport>) => {
    const machine = machines[index];
    if (machine === undefined) throw new Error('there is no such machine');
    const report = JSON.stringify(reportOf(machine, changes));
    await center.db.updateTable('machines').set({ report }).where('id', '=', machine.machineId).execute();
    await center.rollouts.look();
  };
  const allowed = async () => {
    await center.reconciler.signal();
    const { pointer } = (await center.pointers.read(center.main, channel)) ?? {};
    return pointer?.rollout?.machines.length ?? 'all';
  };
  const stateOf = async ({ id }: ReleaseRecord) =>
    rolloutSchema.parse(JSON.parse((await findRelease(center.db, id))?.rollout ?? 'null'));
  return { center, machines, build, release, now, say, allowed, stateOf };
}

async function until<T>(read: () => Promise<T>, wanted: T): Promise<void> {
  while ((await read()) !== wanted) await new Promise(resolve => setImmediate(resolve));
}

const on = { phase: 'active', serial: 1, targetSerial: 1, health: 'healthy' } as const;

describe('a rollout', () => {
  it('is in the signed pointer, which is widened under the same serial as machines report', async () => {
    const { say, allowed, release, stateOf } = await start();
    expect(await allowed()).toBe(1);
    await say(0, on);
    await until(allowed, 3);
    await say(1, on);
    await say(2, on);
    await until(allowed, 'all');
    expect(await stateOf(release)).toMatchObject({ state: 'done' });
  });

  it('that a machine stops is gone on with by a person, and stopped by one', async () => {
    const { center, say, allowed, release, stateOf, now } = await start();
    await say(0, { phase: 'rolled_back', targetSerial: 1 });
    expect(await stateOf(release)).toMatchObject({ state: 'stopped', message: 'It stopped: web-1 went back.' });
    expect(await allowed()).toBe(1);
    await expect(center.rollouts.decide(await now(), 'stop', 'x')).rejects.toMatchObject({ code: 'conflict' });
    await center.rollouts.decide(await now(), 'continue', 'web-1 is broken by itself');
    await center.rollouts.look();
    await until(allowed, 3);
    await center.rollouts.decide(await now(), 'stop', 'lunch');
    await expect(center.rollouts.decide(await now(), 'stop', 'x')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is not for a rollback: every machine goes back at once', async () => {
    const { center, now, allowed } = await start();
    const next = await addBuild(center.db, (await now()).repositoryId);
    await center.releases.release({ channel: await now(), build: next, kind: 'promote', reason: null });
    expect(await allowed()).toBe('all');
    const rollout = JSON.stringify(rolloutRequestSchema.parse({ way: { kind: 'one-by-one' } }));
    await center.db.updateTable('channels').set({ rollout }).execute();
    expect((await center.releases.rollback(await now(), undefined, null)).rollout).toBeNull();
    const again = await center.releases.release({ channel: await now(), build: next, kind: 'auto', reason: null });
    expect(rolloutSchema.parse(JSON.parse(again.rollout ?? 'null')).waves.length).toBe(3);
  });
});

describe('a repair', () => {
  it('is asked for in the signed pointer, of a machine that runs what its channel says', async () => {
    const { center, say, machines, now } = await start();
    const [one, two] = machines;
    if (one === undefined || two === undefined) throw new Error('there are three machines');
    const { repositoryId } = one;
    const repairs = async () => (await center.pointers.read(center.main, await now()))?.pointer.repairs;
    await expect(center.machines.repair(one.machineId)).rejects.toMatchObject({ code: 'conflict' });
    await say(0, on);
    await say(1, { ...on, serial: null });
    await expect(center.machines.repair(two.machineId)).rejects.toMatchObject({ code: 'conflict' });
    await expect(center.machines.repair(repositoryId)).rejects.toMatchObject({ code: 'not_found' });
    await center.machines.repair(one.machineId);
    const [asked] = (await repairs()) ?? [];
    expect(asked).toEqual({ machineId: one.machineId, requestedAtMs: expect.any(Number) });
  });
});
