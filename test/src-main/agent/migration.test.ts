import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Migration, MigrationState } from '../../../src-main/contract/activation.ts';
import { type MigrationRecord, type Pointer, storeKeys } from '../../../src-main/contract/documents.ts';
import { signMigration, verifyMigration } from '../../../src-main/releases/migration-record.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';
import { newSigner } from '../../support/signed-protocol.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

const migration = (run: string, more: Partial<Migration> = {}): Migration => ({
  id: 'migrate',
  name: 'Migrate',
  run,
  env: {},
  timeoutMs: 60_000,
  idempotent: false,
  ...more,
});

function recordOf(pointer: Pointer, changes: Partial<MigrationRecord> = {}): MigrationRecord {
  const { repositoryId, channel, releaseId, serial } = pointer;
  return {
    type: 'slipway.migration/v1',
    ...{ repositoryId, channel, releaseId, serial },
    state: 'pending',
    token: 0,
    machineId: null,
    beat: 0,
    leaseMs: 60_000,
    message: null,
    changedAtMs: 1,
    ...changes,
  };
}

/** As a control center announces it, or a person decides. */
const put = (record: MigrationRecord, signer = at.release) =>
  at.store.put(storeKeys.migration(record.repositoryId, record.releaseId), {
    kind: 'bytes',
    bytes: signMigration(record, signer),
  });

async function record(pointer: Pointer): Promise<MigrationRecord> {
  const found = await at.store.read(storeKeys.migration(pointer.repositoryId, pointer.releaseId), 100_000);
  return verifyMigration(found?.bytes ?? Buffer.alloc(0), at.trust(), pointer);
}

async function publish(serial: number, migrations: Migration[], changes: Partial<Pointer> = {}): Promise<Pointer> {
  const { pointer } = await at.publish(serial, { 'app.txt': `${serial}` }, { migrations, ...changes });
  await put(recordOf(pointer));
  return pointer;
}

describe('migrations', () => {
  it('run once for a release, on one of two machines, with its environment and in its folder', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    const ran = join(at.folder, 'ran');
    const environmentDigest = await at.putEnvironment({ DATABASE: 'postgres://secret' });
    const run = `echo "$NAME $DATABASE $(cat app.txt)" >> ${ran}; sleep 0.05`;
    const pointer = await publish(1, [migration(run, { env: { NAME: 'first' } })], { environmentDigest });
    const outcomes = await Promise.all([one.agent.runOnce(), two.agent.runOnce()]);
    const kinds = outcomes.map(outcome => outcome.kind);
    expect(kinds).toContain('activated');
    expect(await readFile(ran, 'utf8')).toBe('first postgres://secret 1\n');
    expect(await record(pointer)).toMatchObject({ state: 'succeeded', token: 1 });
    for (const { agent, root } of [one, two]) {
      await agent.runOnce();
      expect(await at.currentFile(root, 'app.txt')).toBe('1');
    }
    expect(await readFile(ran, 'utf8')).toBe('first postgres://secret 1\n');
  });

  it('that another machine runs are waited for, with what ran before still there', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    const before = await at.publish(1, { 'app.txt': 'before' });
    await one.agent.runOnce();
    await two.agent.runOnce();
    const gate = join(at.folder, 'gate');
    const pointer = await publish(2, [migration(`until test -e ${gate}; do sleep 0.01; done`)]);
    const running = one.agent.runOnce();
    while ((await record(pointer)).state !== 'running') await new Promise(resolve => setImmediate(resolve));
    expect(await two.agent.runOnce()).toEqual({ kind: 'waiting', for: 'migration' });
    expect(await at.currentFile(two.root, 'app.txt')).toBe('before');
    expect(before.pointer.serial).toBe(1);
    await writeFile(gate, '');
    expect(await running).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await two.agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });

  it('that fail leave every machine on what it ran, say why without a value, and go on when a person says so', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    await at.publish(1, { 'app.txt': 'before' });
    await one.agent.runOnce();
    await two.agent.runOnce();
    const isRight = join(at.folder, 'right');
    const environmentDigest = await at.putEnvironment({ PASSWORD: 'open-sesame' });
    const run = `test -e ${isRight} || { echo "no column for $PASSWORD"; exit 7; }`;
    const pointer = await publish(2, [migration(run)], { environmentDigest });
    const failed = await one.agent.runOnce();
    expect(failed).toMatchObject({ kind: 'failed', error: { code: 'agent.migration_failed' } });
    const told = await record(pointer);
    expect(told).toMatchObject({ state: 'failed', machineId: one.machine.machineId });
    expect(told.message).toContain('exit code 7. Its last output: no column for ***');
    expect(JSON.stringify([failed, told])).not.toContain('open-sesame');
    expect(await two.agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'agent.migration_failed' } });
    expect(await at.currentFile(one.root, 'app.txt')).toBe('before');
    await writeFile(isRight, '');
    await put(recordOf(pointer, { token: told.token + 1, message: 'the column is there now' }));
    expect(await two.agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await one.agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });

  it('that a person skips are not run', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const ran = join(at.folder, 'ran');
    const pointer = await publish(1, [migration(`touch ${ran}`)]);
    await put(recordOf(pointer, { state: 'skipped', token: 1 }));
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    expect(existsSync(ran)).toBe(false);
  });

  it('whose record no store has are not run', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const pointer = await publish(1, [migration('true')]);
    await at.store.delete(storeKeys.migration(pointer.repositoryId, pointer.releaseId));
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'agent.migration_lock' } });
  });
});

describe('a holder that is lost', () => {
  /** A record that a machine holds which never says anything again. */
  async function heldBy(machineId: string, pointer: Pointer, leaseMs = 20): Promise<void> {
    await put(recordOf(pointer, { state: 'running', token: 1, machineId, leaseMs }));
  }
  /** Looks until the lease, by the agent's own clock, is over. */
  async function lookUntilDecided(look: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const outcome = await look();
      if (!JSON.stringify(outcome).includes('waiting')) return outcome;
    }
  }

  it('leaves the migration interrupted: no machine runs it again by itself', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    const ran = join(at.folder, 'ran');
    const pointer = await publish(1, [migration(`touch ${ran}`)]);
    await heldBy(two.machine.machineId, pointer);
    const outcome = await lookUntilDecided(() => one.agent.runOnce());
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.migration_interrupted' } });
    expect(await record(pointer)).toMatchObject({ state: 'interrupted', token: 2 });
    expect(existsSync(ran)).toBe(false);
  });

  it('is followed by the next machine where every command may be repeated', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    const pointer = await publish(1, [migration('true', { idempotent: true })]);
    await heldBy(two.machine.machineId, pointer);
    expect(await lookUntilDecided(() => one.agent.runOnce())).toMatchObject({ kind: 'activated' });
    expect(await record(pointer)).toMatchObject({ state: 'succeeded', token: 2, machineId: one.machine.machineId });
  });

  it('by its own death says so when it is back, unless its commands had ended', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1');
    const pointer = await publish(1, [migration('true')]);
    await heldBy(machine.machineId, pointer, 60_000);
    expect(await agent.runOnce()).toMatchObject({ error: { code: 'agent.migration_interrupted' } });
    await agent.stop();
    await heldBy(machine.machineId, pointer, 60_000);
    const state = JSON.parse(await readFile(join(root, 'state.json'), 'utf8'));
    const noted = { ...state, migration: { releaseId: pointer.releaseId, token: 1, ended: true } };
    await writeFile(join(root, 'state.json'), JSON.stringify(noted));
    expect(await at.newAgent('web-1').runOnce()).toMatchObject({ kind: 'activated' });
    expect(await record(pointer)).toMatchObject({ state: 'succeeded', token: 1 });
  });

  it('ends its commands as soon as the lock is somebody else’s, and activates nothing', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1', { migrationLeaseMs: 30 });
    const pid = join(at.folder, 'pid');
    const pointer = await publish(1, [migration(`echo $$ > ${pid}; sleep 600`)]);
    const looking = agent.runOnce();
    while (!existsSync(pid) || (await readFile(pid, 'utf8')) === '')
      await new Promise(resolve => setImmediate(resolve));
    await put(recordOf(pointer, { state: 'interrupted', token: 2, machineId: machine.machineId, message: 'Taken.' }));
    expect(await looking).toMatchObject({ error: { code: 'agent.migration_interrupted' } });
    expect(existsSync(join(root, 'current'))).toBe(false);
    const killed = Number(await readFile(pid, 'utf8'));
    expect(() => process.kill(killed, 0)).toThrow('ESRCH');
    expect(await record(pointer)).toMatchObject({ state: 'interrupted', token: 2, message: 'Taken.' });
  });
});

describe('the record', () => {
  const refused: readonly [string, MigrationState][] = [
    ['waiting again', 'pending'],
    ['skipped', 'skipped'],
  ];
  it.each(refused)('that is %s is a control center’s word, not a machine’s', async (_what, state) => {
    const { agent } = await at.pairedAgent('web-1');
    const other = await at.pairedAgent('web-2');
    await other.agent.stop();
    const pointer = await publish(1, [migration('true')]);
    const { signingKey } = JSON.parse(await readFile(join(other.root, 'identity.json'), 'utf8'));
    const { signerFromSeed } = await import('../../../src-main/secrets/signing-keys.ts');
    const signer = signerFromSeed(Buffer.from(signingKey, 'base64url'));
    await put(recordOf(pointer, { state, token: 1, machineId: other.machine.machineId }), signer);
    expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'trust.untrusted' } });
  });

  it('of a stranger, or of another release, is refused', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const pointer = await publish(1, [migration('true')]);
    await put(recordOf(pointer, { state: 'succeeded' }), newSigner());
    expect(await agent.runOnce()).toMatchObject({ error: { code: 'trust.signature_invalid' } });
    const other = recordOf({ ...pointer, releaseId: at.repositoryId }, { state: 'succeeded' });
    const bytes = signMigration(other, at.release);
    await at.store.put(storeKeys.migration(pointer.repositoryId, pointer.releaseId), { kind: 'bytes', bytes });
    expect(await agent.runOnce()).toMatchObject({ error: { code: 'trust.untrusted' } });
  });
});
