/** Owns a real ssh server for tests: OpenSSH's sshd on loopback, with a host key and one user's key of its own, and an agent that has it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OnEnd } from './scratch-folder.ts';

const run = promisify(execFile);
const sshd = '/usr/sbin/sshd';

/** As root, sshd wants a folder that its service makes. Source: sshd(8), FILES. */
export const hasSshServer =
  process.platform === 'linux' && existsSync(sshd) && (userInfo().uid !== 0 || existsSync('/run/sshd'));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>(resolve => server.close(() => resolve()));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Waits for the line that says that it is ready. */
async function started(child: ChildProcess, stream: 'stdout' | 'stderr', ready: RegExp): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (ready.test(said)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`it ended: ${said}`)));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
}

/** `ssh://user@127.0.0.1:port` is the way in for who asks the agent. */
export async function startSshServer(folder: string, onEnd: OnEnd) {
  const port = await freePort();
  const key = join(folder, 'user-key');
  const hostKey = join(folder, 'host-key');
  const socket = join(folder, 'agent');
  await mkdir(folder, { recursive: true });
  const makeKey = (file: string) => run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  await makeKey(key);
  await writeFile(
    join(folder, 'sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${key}.pub`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      '',
    ].join('\n'),
  );
  let server: ChildProcess | null = null;

  /** With a host key that nobody has seen. */
  async function startAnew(): Promise<void> {
    if (server !== null) await ended(server);
    await rm(hostKey, { force: true });
    await rm(`${hostKey}.pub`, { force: true });
    await makeKey(hostKey);
    server = spawn(sshd, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    await started(server, 'stderr', /Server listening/);
  }

  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  onEnd(() => ended(agent));
  onEnd(() => (server === null ? undefined : ended(server)));
  await started(agent, 'stdout', /SSH_AUTH_SOCK/);
  await run('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  await startAnew();
  return {
    origin: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    host: `[127.0.0.1]:${port}`,
    agent: socket,
    startAnew,
  };
}
