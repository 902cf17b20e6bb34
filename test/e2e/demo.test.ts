/** `slipway demo` as a person runs it: it succeeds, says what was checked, and leaves nothing behind. */
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { slipway } from '../support/cli.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

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

test('the demo shows the whole journey and checks every stage', async () => {
  // A folder of its own for temporary files: another demo on this machine is none of its business.
  const temporary = await scratchFolder();
  const places = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const outcome = await slipway(['demo', '--json'], { ...process.env, ...places });
  const report = reportSchema.parse(JSON.parse(outcome.stdout));
  expect(report.failure).toBeNull();
  expect(outcome.exitCode).toBe(0);
  expect(report.stages).toHaveLength(11);
  const checked = report.stages.flatMap(stage => stage.checked);
  expect(checked).toContain('nothing was fetched for it');
  expect(checked).toContain('no process of the demo runs');
  expect(await readdir(temporary)).toEqual([]);
});
