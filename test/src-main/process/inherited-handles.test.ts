import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../../support/scratch-folder.ts';

const source = (path: string) => JSON.stringify(new URL(`../../../src-main/process/${path}`, import.meta.url).href);

/** Runs `script` in a Node that was started with descriptors 20 and 200 open on `file`. */
function nodeWithHandles(script: string, file: string): string {
  const fd = openSync(file, 'r');
  try {
    const stdio: ('ignore' | 'pipe' | 'inherit' | number)[] = Array.from({ length: 201 }, () => 'ignore');
    stdio[1] = 'pipe';
    stdio[2] = 'inherit';
    stdio[20] = fd;
    stdio[200] = fd;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio, encoding: 'utf8' });
  } finally {
    closeSync(fd);
  }
}

const listing = 'ls -l /proc/self/fd | sed -n "s/.* \\\\([0-9]*\\\\) -> /\\\\1 /p"';
const step = `
  const { runStep } = await import(${source('run-step.ts')});
  await runStep({ commandLine: '${listing}', cwd: '/', env: { PATH: process.env.PATH }, onOutput: c => { process.stdout.write(c); },
    signal: new AbortController().signal, timeoutMs: 20_000, graceMs: 1_000 });`;

describe.skipIf(process.platform !== 'linux')('handles that were left open in Slipway', () => {
  test('are closed where it begins, so that no step has them', async () => {
    const file = join(await scratchFolder(), 'held');
    closeSync(openSync(file, 'w'));
    const closed = `const { closeInheritedHandles } = await import(${source('inherited-handles.ts')}); closeInheritedHandles();`;
    const output = nodeWithHandles(closed + step, file);
    expect(output).not.toContain('held');
    expect(output.split('\n').map(line => line.split(' ')[0])).toEqual(['0', '1', '2', '3', '']);
  });

  test('are nothing in a step where they could not be closed', async () => {
    const file = join(await scratchFolder(), 'held');
    closeSync(openSync(file, 'w'));
    const output = nodeWithHandles(step, file);
    expect(output).not.toContain('held');
    expect(output).toContain('200 /dev/null\n');
  });
});
