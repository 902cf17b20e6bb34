/** Owns the files that wait in a store's temp folder until they are blobs: their names, and how long they may lie there. */
import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { BlobSource, PutOptions } from './blob-store.ts';
import { writeTempFile } from './write-temp-file.ts';

/** Longer than any put may take without progress: a temp file this old has lost its writer. */
const staleMs = 60 * 60 * 1000;
/** What waits for another try may wait as long as the parts of an upload do with the cloud providers. */
const staleKeptMs = 7 * 24 * 60 * 60 * 1000;

const keptSuffix = '.kept';
const keptName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.kept$/;

async function isThere(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Whether what was written is of use for another try. A full disk needs its space more. */
function canGoOn(error: unknown): boolean {
  const systemCode = systemErrorCode(error);
  return !(error instanceof DomainError) && systemCode !== 'ENOSPC' && systemCode !== 'EDQUOT';
}

/**
 * Writes `source` to a file of the folder `temp` and gives its path to `work`, which may move it away. With `resume`, a file that did not
 * come to its end is kept, and the next put with its name in `state` goes on behind what it has; else nothing stays.
 */
export async function throughTempFile<Result>(
  temp: string,
  source: BlobSource,
  options: PutOptions,
  work: (tempPath: string) => Promise<Result>,
): Promise<Result> {
  const resume = source.kind === 'file' ? options.resume : undefined;
  const state = resume?.state ?? '';
  const isKept = keptName.test(state) && (await isThere(join(temp, state)));
  const name = isKept ? state : `${randomUUID()}${resume === undefined ? '.part' : keptSuffix}`;
  const tempPath = join(temp, name);
  if (resume !== undefined && !isKept) await resume.save(name);
  let keeps = false;
  try {
    await writeTempFile(tempPath, source, options, isKept);
    return await work(tempPath);
  } catch (error) {
    keeps = resume !== undefined && canGoOn(error);
    throw error;
  } finally {
    if (!keeps) await rm(tempPath, { force: true });
  }
}

/** Removes what has lost its writer. */
export async function removeStaleTemp(temp: string): Promise<void> {
  const nowMs = Date.now();
  for (const name of await readdir(temp)) {
    const path = join(temp, name);
    const stats = await lstat(path).catch(() => null);
    const oldestMs = nowMs - (name.endsWith(keptSuffix) ? staleKeptMs : staleMs);
    if (stats?.isFile() && stats.mtimeMs < oldestMs) await rm(path, { force: true });
  }
}
