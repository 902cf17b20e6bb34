/** What is said of a container engine that answers: only one that starts a container works. Stand-ins, since no test may count on an engine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryEngine } from '../../../../src-main/process/isolation/levels.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';

describe.skipIf(process.platform === 'win32')('trying a container engine', () => {
  async function standIn(images: string, run: string): Promise<string> {
    const program = join(await scratchFolder(), 'podman');
    const body = `#!/bin/sh\n[ "$1" = images ] && { printf '${images}'; exit 0; }\n${run}\n`;
    await writeFile(program, body, { mode: 0o755 });
    return program;
  }

  it('tells one that starts containers from one that only answers', async () => {
    const works = await standIn(
      'sha256:1\\nsha256:2\\n',
      'case "$*" in *"none --entrypoint /bin/sh sha256:1 -c"*) ;; *) exit 9;; esac',
    );
    expect(await tryEngine('podman', works)).toEqual({ reason: null });
    expect(await tryEngine('podman', await standIn('sha256:1\\n', 'exit 127'))).toEqual({ reason: null });
    const refused = await standIn('sha256:1\\n', 'echo "Error: crun: setrlimit: not permitted" >&2; exit 126');
    expect(await tryEngine('podman', refused)).toEqual({
      reason: 'podman answers, and starts no container: Error: crun: setrlimit: not permitted',
    });
  });

  it('says nothing where there is no image', async () => {
    expect(await tryEngine('podman', await standIn('', 'exit 0'))).toBeNull();
  });
});
