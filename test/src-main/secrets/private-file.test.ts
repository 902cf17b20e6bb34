import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createPrivateFile, readPrivateFile, replacePrivateFile } from '../../../src-main/secrets/private-file.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { canMount, mountSmallDisk } from '../../support/small-disk.ts';

it.skipIf(!canMount())('a private file on a full disk stays as it was, and nothing is left beside it', async () => {
  const disk = await mountSmallDisk(await scratchFolder(), '256k');
  onTestFinished(() => disk.unmount());
  const path = join(disk.path, 'state.json');
  await replacePrivateFile(path, Buffer.from('before'));
  await disk.fill();
  for (const write of [replacePrivateFile, createPrivateFile]) {
    await expect(write(path, Buffer.alloc(64 * 1024))).rejects.toMatchObject({ code: 'ENOSPC' });
  }
  expect((await readdir(disk.path)).sort()).toEqual(['filler', 'state.json']);
  expect((await readPrivateFile(path, 100))?.toString()).toBe('before');
});

it('a private file that cannot be put in its place leaves nothing beside it', async () => {
  const folder = await scratchFolder();
  await mkdir(join(folder, 'taken', 'below'), { recursive: true });
  await expect(replacePrivateFile(join(folder, 'taken'), Buffer.from('x'))).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['taken']);
});
