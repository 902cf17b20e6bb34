import { readFile, stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createLogFile } from '../../../src-main/telemetry/log-file.ts';
import { eventually } from '../../support/eventually.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

it('never passes its limit, and keeps what came last in order', async () => {
  const folder = await scratchFolder();
  const [path, older] = [`${folder}/engine.log`, `${folder}/engine.log.1`];
  const sink = createLogFile(path, older, 1_000);
  const line = (number: number) => `${String(number).padStart(9, '0')}\n`;
  for (let number = 0; number < 250; number += 1) {
    sink.write(line(number));
    // The next begins where the one before is on the disk, as in an engine that says something now and then.
    await eventually(async () => (await readFile(path, 'utf8').catch(() => '')).endsWith(line(number)));
    expect((await stat(path)).size).toBeLessThanOrEqual(1_000);
  }
  const kept = (await readFile(older, 'utf8')) + (await readFile(path, 'utf8'));
  expect(kept).toBe(Array.from({ length: 150 }, (_, index) => line(100 + index)).join(''));
});

it('goes on with a file that an earlier engine filled, and loses no line of a burst', async () => {
  const folder = await scratchFolder();
  const [path, older] = [`${folder}/engine.log`, `${folder}/engine.log.1`];
  createLogFile(path, older, 1_000).write(`${'x'.repeat(990)}\n`);
  await eventually(async () => (await stat(path)).size === 991);
  const sink = createLogFile(path, older, 1_000);
  const lines = Array.from({ length: 20 }, (_, index) => `a line that is number ${index}\n`);
  for (const one of lines) sink.write(one);
  await eventually(async () => (await readFile(path, 'utf8')) === lines.join(''));
  expect((await stat(older)).size).toBe(991);
});
