/** The token of the host: the same over restarts of a day, for its owner alone, and never one that was not made here. */
import { stat, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { dataFolder } from '../../../src-main/domain/data-folder.ts';
import { keptHostToken } from '../../../src-main/host/host-file.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const hourMs = 60 * 60 * 1_000;

test('a restart keeps the token for a day, and then makes another', async () => {
  const folder = dataFolder(await scratchFolder());
  const first = await keptHostToken(folder, 1_000);
  expect(first).toMatch(/^[\w-]{43}$/);
  expect(await keptHostToken(folder, 1_000 + 23 * hourMs)).toBe(first);
  const next = await keptHostToken(folder, 1_000 + 24 * hourMs);
  expect(next).not.toBe(first);
  // A clock that was set back does not lengthen its life.
  expect(await keptHostToken(folder, 2_000)).not.toBe(next);
  expect((await stat(folder.hostTokenFile)).mode & 0o077).toBe(0);
});

test.each(['', '{"token":"","madeAtMs":1}', '{"token":"short","madeAtMs":1}'])('%j is no token', async text => {
  const folder = dataFolder(await scratchFolder());
  await writeFile(folder.hostTokenFile, text, { mode: 0o600 });
  expect(await keptHostToken(folder, 2)).toMatch(/^[\w-]{43}$/);
});
