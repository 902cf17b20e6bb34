/** `slipway demo` as a person runs it: it succeeds, says what was checked, and leaves nothing behind. */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { slipway } from '../support/cli.ts';

const reportSchema = z.object({
  succeeded: z.boolean(),
  failure: z.string().nullable(),
  totalMs: z.number(),
  eventLoopMaxMs: z.number().positive(),
  eventLoopMaxOwnMs: z.number().positive(),
  stages: z.array(
    z.object({ name: z.string(), ms: z.number(), bytes: z.number().nullable(), checked: z.array(z.string()).min(1) }),
  ),
});

const demoFolders = async () => (await readdir(tmpdir())).filter(name => name.startsWith('slipway-demo-'));

test('the demo shows the whole journey and checks every stage', async () => {
  const before = await demoFolders();
  const outcome = await slipway(['demo', '--json']);
  const report = reportSchema.parse(JSON.parse(outcome.stdout));
  expect(report.failure).toBeNull();
  expect(outcome.exitCode).toBe(0);
  expect(report.stages).toHaveLength(11);
  const checked = report.stages.flatMap(stage => stage.checked);
  expect(checked).toContain('nothing was fetched for it');
  expect(checked).toContain('no process of the demo runs');
  expect(await demoFolders()).toEqual(before);
});
