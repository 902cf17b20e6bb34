import { mkdir, readlink, rename, symlink } from 'node:fs/promises';
import { join, posix, win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactOfLink, replaceLink } from '../../../src-main/agent/current-link.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const id = 'a1'.repeat(32);

describe('what `current` names', () => {
  it('is read from a relative link, and from a junction, which is absolute', () => {
    expect(artifactOfLink('/srv/app', `releases/${id}`, posix)).toBe(id);
    expect(artifactOfLink('/srv/app', `/srv/other/releases/${id}`, posix)).toBeNull();
    expect(artifactOfLink('/srv/app', `releases/${id}/lib`, posix)).toBeNull();
    expect(artifactOfLink('C:\\srv\\app', `C:\\srv\\app\\releases\\${id}\\`, win32)).toBe(id);
    expect(artifactOfLink('C:\\srv\\app', `D:\\srv\\app\\releases\\${id}`, win32)).toBeNull();
  });
});

/** A rename that replaces no link, as Windows does with junctions. It stands for that system, which is not here. */
const moveAsWindows: typeof rename = async (from, to) => {
  const isThere = await readlink(String(to)).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  if (isThere) throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
  await rename(from, to);
};

describe('a link in the place of another', () => {
  it('is put there after the old one went, where the system replaces none', async () => {
    const folder = await scratchFolder();
    const [fresh, link] = [join(folder, 'fresh'), join(folder, 'link')];
    await symlink('new', fresh);
    await symlink('old', link);
    await expect(replaceLink(fresh, link, 'linux', moveAsWindows)).rejects.toMatchObject({ code: 'EPERM' });
    expect(await readlink(link)).toBe('old');
    await replaceLink(fresh, link, 'win32', moveAsWindows);
    expect(await readlink(link)).toBe('new');
  });

  it('removes nothing that is not a link', async () => {
    const folder = await scratchFolder();
    const [fresh, link] = [join(folder, 'fresh'), join(folder, 'link')];
    await symlink('new', fresh);
    await mkdir(link);
    await expect(replaceLink(fresh, link, 'win32', moveAsWindows)).rejects.toMatchObject({ code: 'EPERM' });
    expect(await readlink(fresh)).toBe('new');
  });
});
