/** Planning beside the event loop gives what planning in it gives, errors included. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { planInThread } from '../../../src-main/toolchains/plan-in-thread.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

test('the plan is the same as in the calling thread', async () => {
  const root = await scratchFolder();
  await writeFile(join(root, 'slipway.yml'), 'steps:\n  - name: Make\n    run: make all\nartifact:\n  - out\n');
  const plan = await planInThread(root);
  expect(plan).toEqual(await planFor(root));
  expect(plan.steps[0]?.run).toBe('make all');
});

test('an error keeps its code, message and details', async () => {
  const root = await scratchFolder();
  await writeFile(join(root, 'slipway.yml'), 'stepz: []\n');
  await expect(planInThread(root)).rejects.toMatchObject({
    name: 'DomainError',
    code: 'pipeline.invalid',
    message: expect.stringContaining('steps'),
  });
  const empty = join(root, 'empty');
  await mkdir(empty);
  await expect(planInThread(empty)).rejects.toMatchObject({ code: 'plan.nothing_detected' });
});
