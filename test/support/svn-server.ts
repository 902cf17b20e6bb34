/** Owns real Subversion repositories for tests, by svnadmin and svn, and Debian's svnserve in front of them. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import type { OnEnd } from './scratch-folder.ts';

const run = promisify(execFile);
const environment = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };

export const hasSubversion = ['svn', 'svnadmin', 'svnserve'].every(program => {
  try {
    execFileSync(program, ['--version', '--quiet'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

export async function svn(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(
    'svn',
    [...args, '--non-interactive', '--username=ada', `--config-dir=${folder}/.config`],
    {
      cwd: folder,
      env: environment,
    },
  );
  return stdout.trim();
}

export interface SvnRepository {
  /** The folder that `svnadmin` made. */
  readonly folder: string;
  /** `file:///…` */
  readonly url: string;
  /** The folder of the working copy of all of it. */
  readonly tree: string;
  /** Commits these files; the revision, `r3`. */
  commit(files: Readonly<Record<string, string>>, message: string): Promise<string>;
}

export async function createSvnRepository(
  parent: string,
  layout: readonly string[] = ['trunk', 'branches'],
): Promise<SvnRepository> {
  const [folder, tree] = [join(parent, 'repository'), join(parent, 'tree')];
  await mkdir(parent, { recursive: true });
  await run('svnadmin', ['create', folder]);
  const url = pathToFileURL(folder).href;
  await svn(parent, 'checkout', '--quiet', url, tree);
  const commit = async (message: string) => {
    await svn(tree, 'add', '--quiet', '--force', '--parents', '.', '--no-ignore');
    await svn(tree, 'commit', '--quiet', '-m', message);
    await svn(tree, 'update', '--quiet', '--ignore-externals');
    return `r${await svn(tree, 'info', '--show-item=revision')}`;
  };
  if (layout.length > 0) {
    for (const name of layout) await mkdir(join(tree, name));
    await svn(tree, 'add', '--quiet', ...layout);
    await svn(tree, 'commit', '--quiet', '-m', 'Layout');
    await svn(tree, 'update', '--quiet', '--ignore-externals');
  }
  return {
    folder,
    url,
    tree,
    async commit(files, message) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(tree, path)), { recursive: true });
        await writeFile(join(tree, path), text);
      }
      return commit(message);
    },
  };
}

/** Serves a repository at the returned `svn://` address, open to `ada` alone where a password is given. */
export async function startSvnserve(repository: SvnRepository, onEnd: OnEnd, password?: string): Promise<string> {
  if (password !== undefined) {
    const conf = join(repository.folder, 'conf');
    await writeFile(
      join(conf, 'svnserve.conf'),
      '[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\n',
    );
    await writeFile(join(conf, 'passwd'), `[users]\nada = ${password}\n`);
  }
  const free = createServer();
  await new Promise<void>(resolve => free.listen(0, '127.0.0.1', resolve));
  const address = free.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise<void>(resolve => free.close(() => resolve()));
  const options = [
    '--daemon',
    '--foreground',
    '--root',
    repository.folder,
    '--listen-host=127.0.0.1',
    `--listen-port=${port}`,
  ];
  const server = spawn('svnserve', options, { stdio: 'ignore' });
  const exit = new Promise(resolve => server.once('exit', resolve));
  onEnd(async () => {
    server.kill('SIGTERM');
    await exit;
  });
  await eventually(
    () =>
      new Promise<boolean>(resolve => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.once('close', () => socket.destroy());
        socket.once('connect', () => socket.end());
      }),
  );
  return `svn://127.0.0.1:${port}`;
}
