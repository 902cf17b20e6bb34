import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CommandOptions, runCommand } from '../../../src-main/process/run-command.ts';
import { eventually } from '../../support/eventually.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const node = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand({
    command: process.execPath,
    args: ['-e', script],
    cwd: tmpdir(),
    env: { PATH: process.env.PATH },
    timeoutMs: 20_000,
    ...options,
  });

/** A zombie that nobody has reaped yet does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.[0] !== 'Z';
  } catch {
    return false;
  }
}

test('gives exit code, both outputs and the input', async () => {
  const result = await node(
    'process.stdin.pipe(process.stdout); process.stderr.write("problem"); process.exitCode = 4',
    { input: Buffer.from('given') },
  );
  expect(result).toMatchObject({ outcome: 'exited', exitCode: 4, signal: null });
  expect(result.stdout.toString()).toBe('given');
  expect(result.stderr.toString()).toBe('problem');
});

test('passes arguments as they are, through no shell', async () => {
  const result = await runCommand({
    command: process.execPath,
    args: ['-e', 'console.log(process.argv[1])', '$(id); `id` && "x"'],
    cwd: tmpdir(),
    env: {},
    timeoutMs: 20_000,
  });
  expect(result.stdout.toString()).toBe('$(id); `id` && "x"\n');
});

test('ends a program that prints without end, with what it printed so far', async () => {
  const result = await node('setInterval(() => process.stdout.write("x".repeat(1000)), 0)', { maxOutputBytes: 5_000 });
  expect(result.outcome).toBe('output_too_large');
  expect(result.stdout.length).toBeLessThanOrEqual(5_000);
});

test('ends a program that takes too long, and one that is cancelled', async () => {
  expect(await node('setInterval(() => 0, 1000)', { timeoutMs: 100 })).toMatchObject({
    outcome: 'timed_out',
    signal: 'SIGTERM',
  });
  const controller = new AbortController();
  const running = node('setInterval(() => 0, 1000)', { signal: controller.signal });
  controller.abort();
  expect(await running).toMatchObject({ outcome: 'cancelled' });
  expect(await node('0', { signal: controller.signal })).toMatchObject({ outcome: 'cancelled', exitCode: null });
});

test('kills a program that does not listen, with its children', async () => {
  const folder = await scratchFolder();
  const script = `
    process.on('SIGTERM', () => {});
    const deaf = 'process.on("SIGTERM", () => {}); require("node:fs").writeFileSync("ready", ""); setInterval(() => 0, 1000)';
    const child = require('node:child_process').spawn(process.execPath, ['-e', deaf]);
    console.log(child.pid);
    setInterval(() => 0, 1000)`;
  const cancelling = new AbortController();
  const running = node(script, { cwd: folder, signal: cancelling.signal });
  await eventually(() => existsSync(join(folder, 'ready')), { what: 'the program with its child' });
  cancelling.abort();
  const result = await running;
  expect(result).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' });
  const pid = Number(result.stdout.toString());
  expect(pid).toBeGreaterThan(1);
  // The signal went to both at once; the system ends them in an order of its own.
  await eventually(() => !isRunning(pid), { what: 'the end of the child' });
});

test('names a program that is not there', async () => {
  await expect(
    runCommand({ command: 'no-such-program', args: [], cwd: tmpdir(), env: {}, timeoutMs: 1_000 }),
  ).rejects.toMatchObject({ code: 'toolchain.missing', message: expect.stringContaining('no-such-program') });
});
