/** Owns small file systems of their own for tests of full and read-only disks: Linux tmpfs, where mounting is allowed. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../src-main/contract/errors.ts';
import { eventually } from './eventually.ts';

const run = promisify(execFile);
const fillerName = 'filler';
const fillerChunk = Buffer.alloc(4096, 1);

/** Whether this process may mount: root on Linux, outside of a container that forbids it. */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const probe = mkdtempSync(join(tmpdir(), 'slipway-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(probe);
  }
}

export interface SmallDisk {
  readonly path: string;
  /** Takes every byte that is free. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  free(): Promise<void>;
  setReadOnly(readOnly: boolean): Promise<void>;
  unmount(): Promise<void>;
}

/** Mounts an empty disk of `size` (as `2m`) at `path`, which is made where it is missing. */
export async function mountSmallDisk(path: string, size: string): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  return {
    path,
    async fill() {
      const file = await open(join(path, fillerName), 'w');
      try {
        for (;;) await file.write(fillerChunk);
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(join(path, fillerName)),
    // The kernel refuses while somebody has a file open for writing, which the engine does for moments.
    setReadOnly: readOnly =>
      eventually(() => run('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, path]), { what: 'the remount' }).then(
        () => undefined,
      ),
    async unmount() {
      await run('umount', ['--lazy', path]);
    },
  };
}
