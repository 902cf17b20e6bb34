import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { runStep, type StepOptions } from '../../../src-main/process/run-step.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const marker = `marker-${process.pid}-${Date.now()}`;

/** Every living process that carries this file's marker in its environment or arguments. */
function survivors(): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(name => {
      try {
        const state = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ').at(-1)?.[0];
        const traces =
          readFileSync(`/proc/${name}/environ`, 'latin1') + readFileSync(`/proc/${name}/cmdline`, 'latin1');
        return state !== 'Z' && traces.includes(marker);
      } catch {
        return false;
      }
    });
}

afterEach(() => {
  const left = survivors();
  for (const pid of left) process.kill(Number(pid), 'SIGKILL');
  expect(left).toEqual([]);
});

async function step(commandLine: string, options: Partial<StepOptions> = {}) {
  const chunks: Buffer[] = [];
  const result = await runStep({
    commandLine,
    cwd: await scratchFolder(),
    env: { PATH: process.env.PATH, MARKER: marker },
    onOutput: chunk => {
      chunks.push(chunk);
    },
    signal: new AbortController().signal,
    timeoutMs: 20_000,
    graceMs: 5_000,
    ...options,
  });
  return { ...result, output: Buffer.concat(chunks).toString('utf8') };
}

/** Aborts when the step has printed `ready`. */
function abortWhenReady(text = 'ready') {
  const controller = new AbortController();
  let seen = '';
  return {
    signal: controller.signal,
    onOutput: (chunk: Buffer) => {
      seen += chunk.toString('utf8');
      if (seen.includes(text)) controller.abort();
    },
  };
}

describe.skipIf(process.platform !== 'linux')('a step', () => {
  test('reports its exit code and stops at the first failing command', async () => {
    expect(await step('echo one; false; echo two')).toEqual({
      outcome: 'exited',
      exitCode: 1,
      signal: null,
      output: 'one\n',
    });
    expect(await step('exit 7')).toMatchObject({ exitCode: 7 });
    expect(await step('kill -KILL $$')).toMatchObject({ outcome: 'exited', exitCode: null, signal: 'SIGKILL' });
  });

  test('gives stdout and stderr in the order in which they were written', async () => {
    const lines = 'i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done';
    const expected = Array.from({ length: 500 }, (_, index) => `out ${index}\nerr ${index}\n`).join('');
    expect((await step(lines)).output).toBe(expected);
  });

  test('can open its own output by path, as `tee /dev/stderr` does', async () => {
    const result = await step('echo a > /dev/stderr; echo b | tee /dev/stdout');
    expect(result).toMatchObject({ exitCode: 0, output: 'a\nb\nb\n' });
  });

  test('has no input and only the environment that it is given', async () => {
    process.env.SLIPWAY_TEST_LEAK = 'leak';
    const result = await step('cat; echo "[$SLIPWAY_TEST_LEAK]"; env | grep -c SLIPWAY_STEP=');
    delete process.env.SLIPWAY_TEST_LEAK;
    expect(result.output).toBe('[]\n1\n');
  });

  test('waits while its output is not taken', async () => {
    const folder = await scratchFolder();
    // Five times what the pipe and the stream hold; the file appears when all of it is written.
    const running = step('head -c 1000000 /dev/zero; touch done', {
      cwd: folder,
      onOutput: async () => {
        if (held === null) {
          held = readdirSync(folder).includes('done');
          opened();
          await gate;
        }
        received++;
      },
    });
    let held: boolean | null = null;
    let received = 0;
    let release = () => {};
    const gate = new Promise<void>(resolve => {
      release = resolve;
    });
    let opened = () => {};
    const first = new Promise<void>(resolve => {
      opened = resolve;
    });
    await first;
    // Another process runs to its end meanwhile, so the step had its time; it cannot have finished.
    await step('head -c 1000000 /dev/zero > /dev/null; ls > /dev/null');
    expect(readdirSync(folder)).not.toContain('done');
    expect(received).toBe(0);
    release();
    expect(await running).toMatchObject({ exitCode: 0 });
    expect(readdirSync(folder)).toContain('done');
  });

  test('delivers all of a large output', async () => {
    let sizeBytes = 0;
    await step('head -c 20000000 /dev/zero', {
      onOutput: chunk => {
        sizeBytes += chunk.length;
      },
    });
    expect(sizeBytes).toBe(20_000_000);
  });

  test('is interrupted first, so that it can clean up', async () => {
    const folder = await scratchFolder();
    const ready = abortWhenReady();
    const result = await step('trap "echo cleaned > trace; exit 3" INT; echo ready; while :; do sleep 0.05; done', {
      cwd: folder,
      ...ready,
    });
    expect(result).toMatchObject({ outcome: 'cancelled', exitCode: 3 });
    expect(await readFile(join(folder, 'trace'), 'utf8')).toBe('cleaned\n');
  });

  test('that ignores every signal is killed with its tree', async () => {
    const ready = abortWhenReady();
    const result = await step(
      `trap "" INT TERM HUP; sh -c 'trap "" INT TERM; sleep 300; :' & (sleep 301; :) & echo ready; wait; sleep 300`,
      { ...ready, graceMs: 100 },
    );
    expect(result).toMatchObject({ outcome: 'cancelled', exitCode: null, signal: 'SIGKILL' });
    expect(survivors()).toEqual([]);
  });

  test('that runs out of time is ended, also where it left its session or parent', async () => {
    const escapes = `setsid sh -c 'trap "" INT TERM HUP; (sleep 300; :) & sleep 301' >/dev/null 2>&1 &
      (setsid sh -c 'sleep 302; :' &)
      env -i setsid sh -c 'sleep 303; : ${marker}' &
      sleep 304`;
    const result = await step(escapes, { timeoutMs: 300, graceMs: 100 });
    expect(result).toMatchObject({ outcome: 'timed_out' });
    expect(survivors()).toEqual([]);
  });

  test('that ends by itself leaves no server behind, and its end does not wait for one', async () => {
    const result = await step(`(setsid sh -c 'trap "" HUP; sleep 300; :' &) ; sleep 301 & echo done`);
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 0, output: 'done\n' });
    expect(survivors()).toEqual([]);
  });

  test('is ended when its output cannot be kept, with that error', async () => {
    const lost = step('echo x; sleep 300', {
      graceMs: 100,
      onOutput: () => {
        throw new Error('the disk is full');
      },
    });
    await expect(lost).rejects.toThrow('the disk is full');
  });

  test('does not start when it is cancelled before', async () => {
    const folder = await scratchFolder();
    const result = await step('touch started', { cwd: folder, signal: AbortSignal.abort() });
    expect(result).toMatchObject({ outcome: 'cancelled', exitCode: null });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('in a folder that is not there is refused with its name', async () => {
    await expect(step('true', { cwd: '/nowhere/at/all' })).rejects.toMatchObject({
      code: 'step.failed',
      message: expect.stringContaining('/nowhere/at/all'),
    });
  });
});
