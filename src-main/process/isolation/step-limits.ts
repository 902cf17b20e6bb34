/** Owns watching what a running step uses, and ending it before the machine suffers. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../../contract/errors.ts';
import { formatSize } from '../../domain/format-size.ts';
import { measureMemory, type StepTree, treeOf } from '../kill-tree.ts';

/** A look at a machine of 500 processes takes some 10 ms. */
const lookEveryMs = 500;
/** Files are counted less often the longer it takes: a tenth of the time at most. */
const countEveryMs = 2_000;
const countShare = 10;

export interface StepLimits {
  /** Of all processes together; held where there is /proc. */
  readonly memoryBytes?: number;
  readonly processes?: number;
  /** Of the files in `folder`. */
  readonly diskBytes?: number;
  /** On the disk of `folder`. */
  readonly keepFreeBytes: number;
  /** Where the build writes. */
  readonly folder: string;
}

/** Whether memory and processes of a step can be watched here. */
export const canWatchProcesses = process.platform === 'linux';

/** Resolves with the reason to end the step, `step.memory`, `step.processes` or `step.disk`; with null when `until` is aborted. */
export async function watchLimits(limits: StepLimits, tree: StepTree, until: AbortSignal): Promise<DomainError | null> {
  let countAtMs = performance.now() + countEveryMs;
  while (!until.aborted) {
    await delay(lookEveryMs, undefined, { signal: until }).catch(() => undefined);
    if (until.aborted) return null;
    const excess = (await excessOfProcesses(limits, tree)) ?? (await excessOfDisk(limits));
    if (excess !== null) return excess;
    if (limits.diskBytes === undefined || performance.now() < countAtMs) continue;
    const beganMs = performance.now();
    const counted = await excessOfFiles(limits, until);
    if (counted !== null) return counted;
    countAtMs = performance.now() + Math.max(countEveryMs, (performance.now() - beganMs) * countShare);
  }
  return null;
}

async function excessOfProcesses({ memoryBytes, processes }: StepLimits, tree: StepTree): Promise<DomainError | null> {
  if (!canWatchProcesses || (memoryBytes === undefined && processes === undefined)) return null;
  const pids = await treeOf(tree);
  if (processes !== undefined && pids.length > processes) {
    return new DomainError(
      'step.processes',
      `had ${pids.length} processes at once, and its limit is ${processes}. Give it a higher "limits: processes" in slipway.yml, or find out what starts so many.`,
      { processes: pids.length, limit: processes },
    );
  }
  if (memoryBytes === undefined) return null;
  const usedBytes = await measureMemory(pids, memoryBytes);
  if (usedBytes <= memoryBytes) return null;
  return new DomainError(
    'step.memory',
    `used ${formatSize(usedBytes)} of memory, and its limit is ${formatSize(memoryBytes)}. Give it a higher "limits: memory" in slipway.yml (or "slipway isolation set --memory"), or let it do less at once.`,
    { usedBytes, limitBytes: memoryBytes },
  );
}

async function excessOfDisk(limits: StepLimits): Promise<DomainError | null> {
  const freeBytes = await freeBytesAt(limits.folder);
  if (freeBytes === null || freeBytes >= limits.keepFreeBytes) return null;
  return new DomainError(
    'step.disk',
    `filled the disk: ${formatSize(freeBytes)} are free, and ${formatSize(limits.keepFreeBytes)} are to stay free. Free some space, or let it write less.`,
    { freeBytes, keepFreeBytes: limits.keepFreeBytes },
  );
}

/** What can still be written at `folder`; null where the platform does not say. */
async function freeBytesAt(folder: string): Promise<number | null> {
  const facts = await statfs(folder).catch(() => null);
  return facts === null ? null : facts.bavail * facts.bsize;
}

/** Throws `step.disk` where a build must not even begin. */
export async function assertFreeSpace(folder: string, keepFreeBytes: number): Promise<void> {
  const freeBytes = await freeBytesAt(folder);
  if (freeBytes === null || freeBytes >= keepFreeBytes) return;
  throw new DomainError(
    'step.disk',
    `The build was not begun: the disk of ${folder} has ${formatSize(freeBytes)} free, and builds leave ${formatSize(keepFreeBytes)} free. Free some space, or lower the floor with "slipway isolation set --keep-free".`,
    { freeBytes, keepFreeBytes },
  );
}

/** `step.disk` where the files of the build take more than they may; null otherwise. */
export async function excessOfFiles(limits: StepLimits, until: AbortSignal): Promise<DomainError | null> {
  if (limits.diskBytes === undefined) return null;
  const usedBytes = await sizeOnDisk(limits.folder, limits.diskBytes, until);
  if (usedBytes <= limits.diskBytes) return null;
  return new DomainError(
    'step.disk',
    `wrote too much: the build's files take more than ${formatSize(limits.diskBytes)}, its limit. Give it a higher "limits: disk" in slipway.yml, or let it write less.`,
    { usedBytes, limitBytes: limits.diskBytes },
  );
}

/** What the files take, counted until it is more than `enoughBytes`. What vanishes meanwhile counts nothing. */
async function sizeOnDisk(folder: string, enoughBytes: number, until: AbortSignal): Promise<number> {
  let sum = 0;
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined && sum <= enoughBytes && !until.aborted; next = folders.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else sum += await lstat(path).then(blockBytes, () => 0);
    }
  }
  return sum;
}

/** A block is 512 bytes whatever the file system; Windows has none. */
const blockBytes = (facts: { readonly blocks: number; readonly size: number }) =>
  process.platform === 'win32' ? facts.size : facts.blocks * 512;
