import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { treeUsage } from '../../../src-main/process/tree-usage.ts';
import { eventually } from '../../support/eventually.ts';

/** A grandchild of this process that holds 200 MiB and reads now and then, until the test is over. */
async function startHeavyGrandchild(): Promise<void> {
  const program =
    'const held = Buffer.alloc(200 * 1024 * 1024, 1); process.stdout.write("up"); setInterval(() => [held, require("node:fs").readFileSync("/proc/self/stat")], 20)';
  const child = spawn('/bin/sh', ['-c', `"${process.execPath}" -e '${program}'; true`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  onTestFinished(async () => {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'close');
  });
  await once(child.stdout, 'data');
}

it.skipIf(process.platform !== 'linux')('counts the memory of descendants, and sees that they work', async () => {
  const before = treeUsage(process.pid);
  await startHeavyGrandchild();
  const after = treeUsage(process.pid);
  expect(after.memoryBytes - before.memoryBytes).toBeGreaterThan(150 * 1024 * 1024);
  await eventually(() => treeUsage(process.pid).activity !== after.activity, { what: 'activity' });
});
