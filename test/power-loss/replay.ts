/** Owns a recording of a program under strace, and the replay of its disk to points at which the power may fail. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRandom } from '../crash/random.ts';
import { createDisk, type Remains } from './disk-model.ts';
import { type DiskCall, readTrace, straceArguments } from './trace.ts';

const run = promisify(execFile);

/** Whether strace is there and may trace: containers without ptrace refuse it. */
export function canTrace(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a program of this folder on an empty folder under strace. Its arguments begin with that folder and the file of its acknowledgements. */
export async function record(program: string, args: readonly string[]): Promise<DiskCall[]> {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-power-')));
  const folder = join(scratch, 'disk');
  const [trace, acknowledgements] = [join(scratch, 'trace'), join(scratch, 'acknowledgements')];
  try {
    mkdirSync(folder);
    const path = fileURLToPath(new URL(program, import.meta.url));
    await run('strace', [...straceArguments(trace), process.execPath, path, folder, acknowledgements, ...args]);
    return readTrace(trace, folder, acknowledgements);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

export interface Cut {
  /** How many calls were done when the power failed. */
  readonly calls: number;
  readonly remains: Remains;
  /** The acknowledgements that the client held by then, oldest first. */
  readonly acknowledged: readonly string[];
  /** What the disk holds when the power is back. */
  readonly folder: string;
}

export interface Replay {
  readonly cutPoints: number;
  readonly images: number;
  readonly failures: readonly string[];
}

/** At each point what was not synced remains in one of two orderly ways, and in one of two random ones. */
const ways: readonly (readonly [Remains, Remains])[] = [
  ['none', 'torn'],
  ['all', 'some'],
];
/** Where a disk in memory is to be had, syncing the images costs nothing. */
const memoryFolder = '/dev/shm';

/**
 * Cuts the power at `cutPoints` points of the recording, spread over all of it, and hands each image to `check`, which throws
 * for one that breaks a promise. The seed repeats every image.
 */
export async function replay(
  calls: readonly DiskCall[],
  options: { readonly cutPoints: number; readonly seed: number; readonly check: (cut: Cut) => Promise<void> },
): Promise<Replay> {
  const random = createRandom(options.seed);
  const disk = createDisk();
  const acknowledged: string[] = [];
  const failures: string[] = [];
  const scratch = mkdtempSync(join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'slipway-image-'));
  let [cutPoints, images] = [0, 0];
  try {
    for (const [index, call] of calls.entries()) {
      disk.apply(call);
      if (call.kind === 'acknowledged') acknowledged.push(call.text);
      if (Math.floor(((index + 1) * options.cutPoints) / calls.length) === cutPoints) continue;
      cutPoints += 1;
      for (const remains of ways[cutPoints % ways.length] ?? []) {
        images += 1;
        const folder = join(scratch, String(images));
        mkdirSync(folder);
        disk.writeImage(folder, remains, random);
        await options.check({ calls: index + 1, remains, acknowledged, folder }).catch(error => {
          const why = error instanceof Error ? error.message : String(error);
          failures.push(
            `after call ${index + 1} of ${calls.length}, of what was not synced ${remains} remained: ${why}`,
          );
        });
        rmSync(folder, { recursive: true, force: true });
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { cutPoints, images, failures };
}

/** Noise in the place of a file that is mapped into memory, whose writes strace cannot see and nobody syncs. */
export function writeNoise(file: string, sizeBytes: number, seed: number): void {
  const random = createRandom(seed);
  writeFileSync(file, Buffer.from(Array.from({ length: sizeBytes }, () => random.below(256))));
}
