/** Owns temporary folders of a test: made on demand, removed after it. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder that is removed when the current test is over. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
