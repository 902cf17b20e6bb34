/** Owns temporary folders of a test: made on demand, removed after it. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Takes what is to be done at the end: of the current test, or of whatever the caller says. The last comes first. */
export type OnEnd = (clean: () => void | Promise<void>) => void;

/** An empty folder that is removed when the current test is over. */
export async function scratchFolder(onEnd: OnEnd = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-test-'));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface KeptFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** An empty folder for a whole file of tests; whoever asked removes it. */
export async function keptFolder(): Promise<KeptFolder> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'slipway-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
