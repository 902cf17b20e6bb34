import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MachineReport, storeKeys } from '../../../src-main/contract/documents.ts';
import { healthCheckSchema } from '../../../src-main/contract/plan.ts';
import { verifyReport } from '../../../src-main/releases/machine-report.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

async function reportOf(machineId: string): Promise<MachineReport> {
  const found = await at.store.read(storeKeys.report(at.repositoryId, machineId), 100_000);
  return verifyReport(found?.bytes ?? Buffer.alloc(0), at.trust(), { repositoryId: at.repositoryId });
}

async function running() {
  const { agent, machine, root } = await at.pairedAgent('web-1', { driftIntervalsMs: { files: 0, health: 0 } });
  const { pointer } = await at.publish(1, { 'app.txt': 'one', 'lib/a.txt': 'a' });
  await agent.runOnce();
  const driftIs = async (accepts: (drift: string | null) => boolean): Promise<string | null> => {
    for (;;) {
      await agent.runOnce();
      const { drift } = await reportOf(machine.machineId);
      if (accepts(drift)) return drift;
    }
  };
  const path = (file: string) => join(root, 'releases', pointer.artifactId, file);
  const askForRepair = (requestedAtMs: number) =>
    at.putPointer({
      ...pointer,
      issuedAtMs: pointer.issuedAtMs + requestedAtMs,
      repairs: [{ machineId: machine.machineId, requestedAtMs }],
    });
  return { agent, machine, root, pointer, driftIs, path, askForRepair };
}

describe('what runs', () => {
  it('is reported where a file, a mode or the link is another, and not where a program left something beside', async () => {
    const { driftIs, path, root } = await running();
    await writeFile(path('left.log'), 'x');
    expect(await driftIs(drift => drift === null)).toBeNull();
    await writeFile(path('lib/a.txt'), 'b');
    await driftIs(drift => drift === '"lib/a.txt" has other content');
    await writeFile(path('lib/a.txt'), 'a');
    await driftIs(drift => drift === null);
    await symlink('/tmp', join(root, 'other'));
    await rename(join(root, 'other'), join(root, 'current'));
    await driftIs(drift => drift === '"current" is gone');
  });

  it('is put right by the repair that a person asks for, once', async () => {
    const { agent, machine, driftIs, path, askForRepair, root } = await running();
    await writeFile(path('app.txt'), 'changed');
    await rm(path('lib'), { recursive: true });
    await driftIs(drift => drift !== null);
    await askForRepair(5);
    expect(await agent.runOnce()).toMatchObject({ kind: 'unchanged', serial: 1 });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    expect(await at.currentFile(root, 'lib/a.txt')).toBe('a');
    await driftIs(drift => drift === null);
    expect(await reportOf(machine.machineId)).toMatchObject({ repairedAtMs: 5, phase: 'active' });
    await writeFile(path('app.txt'), 'changed');
    await agent.runOnce();
    expect(await at.currentFile(root, 'app.txt')).toBe('changed');
    await askForRepair(6);
    await agent.runOnce();
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('comes back by a repair also where its whole tree and its link are gone', async () => {
    const { agent, path, askForRepair, root } = await running();
    await rm(path('.'), { recursive: true });
    await rm(join(root, 'current'));
    await askForRepair(5);
    await agent.runOnce();
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('is unhealthy after three bad answers in a row, and healthy with the first good one', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1', { driftIntervalsMs: { files: 1e9, health: 0 } });
    const sick = join(at.folder, 'sick');
    const health = healthCheckSchema.parse({ command: `test ! -e ${sick}`, attempts: 1 });
    await at.publish(1, { 'app.txt': 'one' }, { health });
    await agent.runOnce();
    await writeFile(sick, '');
    const healths: string[] = [];
    for (let look = 1; look <= 3; look += 1) {
      await agent.runOnce();
      healths.push((await reportOf(machine.machineId)).health);
    }
    expect(healths).toEqual(['healthy', 'healthy', 'unhealthy']);
    expect((await reportOf(machine.machineId)).message).toContain('the health command ended with exit code 1');
    await rm(sick);
    await agent.runOnce();
    expect(await reportOf(machine.machineId)).toMatchObject({ health: 'healthy', message: null });
    // Nothing goes back by itself: who was well once is not left for a moment of weakness.
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('keeps the reason why the next release did not come up, though it is healthy itself', async () => {
    const { agent, machine } = await at.pairedAgent('web-1', { driftIntervalsMs: { files: 1e9, health: 0 } });
    const health = healthCheckSchema.parse({ command: 'test "$(cat app.txt)" = one', attempts: 1 });
    await at.publish(1, { 'app.txt': 'one' }, { health });
    await agent.runOnce();
    await at.publish(2, { 'app.txt': 'two' }, { health });
    await agent.runOnce();
    await agent.runOnce();
    const report = await reportOf(machine.machineId);
    expect(report).toMatchObject({ phase: 'rolled_back', health: 'healthy', targetSerial: 2 });
    expect(report.message).toContain('exit code 1');
  });
});
