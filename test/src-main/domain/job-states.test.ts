import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jobStatusSchema } from '../../../src-main/contract/views/job.ts';
import { backoffMs } from '../../../src-main/domain/backoff.ts';
import { formatSize } from '../../../src-main/domain/format-size.ts';
import { afterLostWorker, canMove, isFinished } from '../../../src-main/domain/job-states.ts';
import { version } from '../../../src-main/domain/version.ts';

describe('the states of a job', () => {
  it('allows exactly the moves of the design', () => {
    const all = jobStatusSchema.options;
    const allowed = all.flatMap(from => all.filter(to => canMove(from, to)).map(to => `${from} → ${to}`));
    expect(allowed).toEqual([
      'queued → running',
      'queued → cancelled',
      'running → queued',
      'running → succeeded',
      'running → failed',
      'running → cancelled',
      'running → interrupted',
      'succeeded → queued',
      'failed → queued',
      'cancelled → queued',
      'interrupted → queued',
    ]);
    expect(all.filter(isFinished)).toEqual(['succeeded', 'failed', 'cancelled', 'interrupted']);
  });

  const lost = { lostCount: 0, engineEnding: false, cancelRequested: false, ranOnceOnlyStep: false };
  it.each([
    ['goes back to the queue when lost for the first time', {}, 'queued'],
    ['goes back to the queue when lost between steps', { lostCount: 1 }, 'queued'],
    ['fails when lost for the third time', { lostCount: 2 }, 'failed'],
    ['waits for a person when its lost step may not be repeated', { ranOnceOnlyStep: true }, 'interrupted'],
    ['is cancelled when that was asked for', { cancelRequested: true, ranOnceOnlyStep: true }, 'cancelled'],
    ['never fails because its engine ended', { lostCount: 9, engineEnding: true }, 'queued'],
    ['waits for a person also when the engine ended', { engineEnding: true, ranOnceOnlyStep: true }, 'interrupted'],
  ] as const)('%s', (_title, change, expected) => {
    expect(afterLostWorker({ ...lost, ...change })).toBe(expected);
  });
});

describe('backoff', () => {
  const rule = { firstMs: 1_000, maxMs: 60_000 };
  it.each([
    [1, 0, 800],
    [1, 0.5, 1_000],
    [1, 1, 1_200],
    [2, 0.5, 2_000],
    [6, 0.5, 32_000],
    [7, 0.5, 60_000],
    [100_000, 0.5, 60_000],
  ])('after %i failures with chance %f waits %i ms', (failures, random, expected) => {
    expect(backoffMs(rule, failures, random)).toBe(expected);
  });
});

it.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.00 KiB'],
  [15 * 1_024, '15.0 KiB'],
  [38 * 1_024 * 1_024, '38.0 MiB'],
  [999 * 1_024 ** 3, '999 GiB'],
])('writes %i bytes as %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

it('has the version of package.json', async () => {
  const file = new URL('../../../package.json', import.meta.url);
  expect(JSON.parse(await readFile(file, 'utf8')).version).toBe(version);
});
