/** Owns the ssh program below git: its options, and what its messages mean for a person. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { DomainError } from '../contract/errors.ts';
import { notFound, unreachable } from './git-errors.ts';
import { knownHostName, parseSshAddress } from './ssh-address.ts';

/** Below a poll's own time-out, so that ssh can still say what it waited for. */
const connectTimeoutSeconds = 7;

const options = [
  // Never asks; a key with a passphrase is the agent's.
  'BatchMode=yes',
  // A server's first key is noted, and another one is refused from then on. Source: ssh_config(5).
  'StrictHostKeyChecking=accept-new',
  `ConnectTimeout=${connectTimeoutSeconds}`,
  'ServerAliveInterval=15',
  'ServerAliveCountMax=4',
  // Whatever the person's own configuration says: the server gets neither the agent nor a way into this network.
  'ForwardAgent=no',
  'ForwardX11=no',
  'ClearAllForwardings=yes',
  'PermitLocalCommand=no',
  // A master that stays in the background would hold git's output open.
  'ControlMaster=no',
  'RequestTTY=no',
  'LogLevel=ERROR',
];

const quotedForShell = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
const quotedForSsh = (path: string) => `"${path.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;

/** New keys go into the first; those that the person has trusted elsewhere count as well. */
const knownHostsFiles = (ours: string | null) => [ours, `${homedir()}/.ssh/known_hosts`].filter(file => file !== null);

/** The variables with which git reaches a repository over ssh. The person's keys, agent and ~/.ssh/config are used. */
export function sshEnvironment(knownHostsFile: string | null): NodeJS.ProcessEnv {
  const all = [...options, `UserKnownHostsFile=${knownHostsFiles(knownHostsFile).map(quotedForSsh).join(' ')}`];
  const env: NodeJS.ProcessEnv = {
    // Read by a shell. Source: git(1), GIT_SSH_COMMAND.
    GIT_SSH_COMMAND: ['ssh', ...all.flatMap(option => ['-o', quotedForShell(option)])].join(' '),
    GIT_SSH_VARIANT: 'ssh',
  };
  for (const name of ['SSH_AUTH_SOCK', 'HOME', 'USERPROFILE', 'USER', 'LOGNAME']) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  return env;
}

/** The public keys that a person has, as paths to show. */
async function publicKeys(): Promise<string[]> {
  const names = await readdir(`${homedir()}/.ssh`).catch(() => []);
  return names.filter(name => name.endsWith('.pub')).map(name => `~/.ssh/${name}`);
}

async function permissionDenied(url: string, host: string): Promise<DomainError> {
  const keys = await publicKeys();
  const advice =
    keys.length === 0
      ? 'There is none in ~/.ssh: make one with "ssh-keygen -t ed25519", and add its .pub file to your account there.'
      : `Add one of these to your account there: ${keys.slice(0, 5).join(', ')}.`;
  return new DomainError(
    'git.auth_failed',
    `${host} accepts no ssh key of this machine for ${url}. ${advice} A key with a passphrase must be in the agent (ssh-add).`,
    { url, host, keys },
  );
}

/** The error for what ssh, or the server through it, wrote on stderr; null when that says nothing of it. Source: OpenSSH 9.2, sshconnect.c. */
export async function sshErrorOf(
  url: string,
  stderr: string,
  knownHostsFile: string | null,
): Promise<DomainError | null> {
  const address = parseSshAddress(url);
  if (address === null) return null;
  const host = knownHostName(address);
  if (/HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key .* revoked/i.test(stderr)) {
    // A person may paste the command, and the server has a say in this text: only a file that we named ourselves is repeated.
    const files = knownHostsFiles(knownHostsFile);
    const file = files.find(known => stderr.includes(` key in ${known}:`)) ?? files[0];
    return new DomainError(
      'git.host_key_changed',
      `The ssh server ${host} shows another key than before: it was set up anew, or somebody stands in between. Nothing was sent. Ask who runs it; if the new key is right, forget the old one: ssh-keygen -R "${host}" -f "${file}"`,
      { url, host },
    );
  }
  if (/\bssh: (command )?not found|cannot run ssh|ssh: No such file/i.test(stderr)) {
    return new DomainError(
      'toolchain.missing',
      `${url} is reached over ssh, and there is no ssh program on this machine. Install OpenSSH's client, or use the https address.`,
      { url, tool: 'ssh' },
    );
  }
  // Forges say so where the key is known, and has no right to the repository.
  if (
    /Repository not found|could not be found|does not appear to be a git repository|does not exist|Cannot find repository/i.test(
      stderr,
    )
  ) {
    return notFound(url, firstLine(stderr));
  }
  if (/Permission denied \(|Too many authentication failures|Permission denied, please/i.test(stderr)) {
    return await permissionDenied(url, host);
  }
  if (/^(ssh|kex_exchange_identification|Connection (closed|reset|to)|Timeout|client_loop)\b/m.test(stderr)) {
    return unreachable(url, firstLine(stderr), stderr);
  }
  return null;
}

function firstLine(stderr: string): string {
  const lines = stderr.split('\n').map(line =>
    line
      .replace(/\p{Cc}/gu, '')
      .replace(/^(remote|fatal|error): /i, '')
      .trim(),
  );
  return (lines.find(line => /\w/.test(line)) ?? 'no message').slice(0, 300);
}
