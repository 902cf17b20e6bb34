/** Owns small file systems of their own for tests of full, read-only and failing disks: Linux tmpfs and ext4, where mounting is allowed. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

export interface FailingDisk {
  readonly path: string;
  /** The kernel meets an error and makes the disk read-only under whoever writes, as it does with a disk that dies. */
  fail(): Promise<void>;
  /** Checks and mounts it again; whoever had files open there must have closed them. */
  repair(): Promise<void>;
  unmount(): Promise<void>;
}

async function mountImage(image: string, path: string): Promise<string> {
  await run('mount', ['-o', 'loop,errors=remount-ro', image, path]);
  const { stdout } = await run('findmnt', ['-no', 'SOURCE', path]);
  return basename(stdout.trim());
}

/** Mounts an empty ext4 disk of `sizeMb` at `path`; its image lies beside it. */
export async function mountFailingDisk(path: string, sizeMb: number): Promise<FailingDisk> {
  const image = `${path}.image`;
  await mkdir(path, { recursive: true });
  const file = await open(image, 'wx');
  await file.truncate(sizeMb * 1024 * 1024);
  await file.close();
  await run('mkfs.ext4', ['-q', image]);
  let device = await mountImage(image, path);
  return {
    path,
    // Linux, Documentation/ABI/testing/sysfs-fs-ext4.
    fail: () => writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, '1'),
    async repair() {
      await eventually(() => run('umount', [path]), { what: 'the last open file of the disk to be closed' });
      // It ends with 1 where it mended something.
      await run('e2fsck', ['-fp', image]).catch(error => {
        if (error?.code !== 1) throw error;
      });
      device = await mountImage(image, path);
    },
    async unmount() {
      await run('umount', ['--lazy', path]);
      await rm(image);
    },
  };
}

/** Whether this process may mount an image and break it. */
export async function canFailDisks(): Promise<boolean> {
  if (!canMount()) return false;
  const probe = mkdtempSync(join(tmpdir(), 'slipway-mount-'));
  try {
    const disk = await mountFailingDisk(join(probe, 'disk'), 8);
    try {
      await disk.fail();
      return true;
    } finally {
      await disk.unmount();
    }
  } catch {
    return false;
  } finally {
    await rm(probe, { recursive: true });
  }
}
