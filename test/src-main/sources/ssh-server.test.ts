import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { findGit } from '../../../src-main/sources/git-cli.ts';
import { listRefs } from '../../../src-main/sources/list-refs.ts';
import { createMirror } from '../../../src-main/sources/mirror.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { startGitServer, type TestRepository } from '../../support/git-server.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { hasSshServer, startSshServer } from '../../support/ssh-server.ts';

const onEnd = endsWithFile();
const timeoutMs = 60_000;

describe.skipIf(!hasSshServer)('a real ssh server', () => {
  let server: Awaited<ReturnType<typeof startSshServer>>;
  let folder: string;
  let source: TestRepository;
  let revision: string;
  const access = () => ({ loginFor: async () => null, knownHostsFile: join(folder, 'known hosts') });
  const url = () => `${server.origin}${source.folder}`;

  beforeAll(async () => {
    folder = await scratchFolder(onEnd);
    const sources = await startGitServer();
    onEnd(() => sources.stop());
    source = await sources.createRepository('app');
    revision = await source.commit({ 'a.txt': '1' }, 'First');
    server = await startSshServer(join(folder, 'sshd'), onEnd);
    vi.stubEnv('SSH_AUTH_SOCK', server.agent);
    onEnd(() => {
      vi.unstubAllEnvs();
    });
  });

  it("is read with the agent's key, and its own key is noted in a file of ours", async () => {
    const refs = await listRefs({ url: url(), timeoutMs, access: access() });
    expect(refs).toMatchObject({ defaultBranch: 'main', branches: [{ name: 'main', revision }] });
    expect(await readFile(join(folder, 'known hosts'), 'utf8')).toContain('ssh-ed25519');
    const mirror = createMirror({
      folder: join(folder, 'mirror.git'),
      url: url(),
      gitPath: await findGit(),
      logger: silentLogger,
      access: access(),
    });
    await mirror.fetch({ branch: 'main', revision });
    await mirror.checkout({ revision, targetFolder: join(folder, 'target') });
    expect(await readFile(join(folder, 'target/a.txt'), 'utf8')).toBe('1');
  });

  it('says which keys to add where it accepts none, and that there is no such repository', async () => {
    const missing = `${server.origin}${source.folder}-missing`;
    await expect(listRefs({ url: missing, timeoutMs, access: access() })).rejects.toMatchObject({
      code: 'git.not_found',
    });
    vi.stubEnv('SSH_AUTH_SOCK', '/nonexistent');
    const refused = listRefs({ url: url(), timeoutMs, access: access() });
    await expect(refused).rejects.toMatchObject({
      code: 'git.auth_failed',
      message: expect.stringMatching(/\.ssh.*account there/),
    });
    vi.stubEnv('SSH_AUTH_SOCK', server.agent);
  });

  it('is refused when it shows another key, until a person forgets the old one', async () => {
    await server.startAnew();
    await expect(listRefs({ url: url(), timeoutMs, access: access() })).rejects.toMatchObject({
      code: 'git.host_key_changed',
      message: expect.stringContaining(`ssh-keygen -R "${server.host}" -f "${join(folder, 'known hosts')}"`),
    });
  });
});
