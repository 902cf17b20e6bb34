import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entryPath, resourcesFolder } from '../../../src-main/process/entry-points.ts';
import type { LaunchedProcess, ProcessExit } from '../../../src-main/process/launcher.ts';
import { createNodeLauncher } from '../../../src-main/process/node-launcher.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function launch(script: string, env: NodeJS.ProcessEnv = {}): Promise<LaunchedProcess> {
  const path = join(await scratchFolder(), 'entry.ts');
  await writeFile(path, script);
  return createNodeLauncher({ env, pathOf: () => path }).launch('worker', { args: ['first'] });
}

const exitOf = (child: LaunchedProcess) => new Promise<ProcessExit>(resolve => child.onExit(resolve));

test('starts a TypeScript entry with its arguments, its own environment, and structured messages', async () => {
  const child = await launch(
    `process.on('message', (value: unknown) => {
       process.send?.({ value, argument: process.argv[2], names: Object.keys(process.env).filter(name => name.startsWith('X_')) });
       process.disconnect();
     });`,
    { X_ONE: '1' },
  );
  const answer = new Promise(resolve => child.onMessage(resolve));
  child.send({ map: new Map([['size', 5n]]), bytes: new Uint8Array([1, 2]) });
  expect(await answer).toEqual({
    value: { map: new Map([['size', 5n]]), bytes: new Uint8Array([1, 2]) },
    argument: 'first',
    names: ['X_ONE'],
  });
  expect(await exitOf(child)).toEqual({ exitCode: 0, signal: null });
  child.send('to nobody');
});

test('keeps the end of stderr, and tells of an exit also afterwards', async () => {
  const child = await launch(`process.stderr.write('x'.repeat(50_000) + 'the end', () => process.exit(3));`);
  expect(await exitOf(child)).toEqual({ exitCode: 3, signal: null });
  expect(child.lastOutput()).toHaveLength(16 * 1024);
  expect(child.lastOutput()).toMatch(/the end$/);
  expect(await exitOf(child)).toEqual({ exitCode: 3, signal: null });
});

test('feels pulses between the lines of stderr, and keeps them out of it', async () => {
  const child = await launch(
    `import { writeSync } from 'node:fs';
     writeSync(2, new Uint8Array(1)); process.stderr.write('a line\\n'); writeSync(2, new Uint8Array(1));`,
  );
  let pulses = 0;
  child.onPulse(() => (pulses += 1));
  await exitOf(child);
  expect(pulses).toBeGreaterThan(0);
  expect(child.lastOutput()).toBe('a line\n');
});

test('kills', async () => {
  const child = await launch(`process.send?.('up'); setInterval(() => 0, 1000);`);
  await new Promise(resolve => child.onMessage(resolve));
  child.kill('SIGKILL');
  expect(await exitOf(child)).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

test('names the entries of the source tree', () => {
  expect(entryPath('worker')).toMatch(/src-main[/\\]worker[/\\]worker-main\.ts$/);
  expect(entryPath('swarm')).toMatch(/src-main[/\\]swarm[/\\]swarm-main\.ts$/);
  expect(resourcesFolder()).toBe(join(import.meta.dirname, '../../../resources'));
});
