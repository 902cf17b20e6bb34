/** Owns a real systemd for tests: the manager of an unprivileged user's units, in a mount namespace and a control group of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** "nobody", on every Linux. */
const user = 65_534;
const startTimeoutMs = 15_000;
/** Of the first and the second version of control groups, and of both at once. */
const hierarchies = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

export interface UserManager {
  /** What a process of the user needs to reach it, the ids to give to `spawn` included. */
  readonly uid: number;
  readonly gid: number;
  readonly env: Readonly<Record<string, string>>;
  systemctl(...args: string[]): string;
  stop(): Promise<void>;
}

/**
 * The manager is told that systemd has booted the machine, in a /run that only it sees; its groups are in every hierarchy that it counts
 * processes in. Source: sd_booted(3); cgroups(7).
 */
const script = `
set -e
made=
for place in ${hierarchies.join(' ')}; do
  test -w "$place/cgroup.procs" || continue
  mkdir "$place/$GROUP"
  echo $$ > "$place/$GROUP/cgroup.procs"
  chown -R ${user}:${user} "$place/$GROUP"
  made=1
done
test -n "$made"
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
exec setpriv --reuid=${user} --regid=${user} --clear-groups /lib/systemd/systemd --user
`;

/** Its processes are gone. */
async function removeGroup(path: string): Promise<void> {
  const below = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of below) if (entry.isDirectory()) await removeGroup(`${path}/${entry.name}`);
  await rmdir(path).catch(() => undefined);
}

function hasStarted(env: Readonly<Record<string, string>>): boolean {
  try {
    execFileSync('systemctl', ['--user', 'list-units'], { env, uid: user, gid: user, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts it, with `home` as the home of the user, made here. Null where this machine does not allow it. */
export async function startUserManager(home: string): Promise<UserManager | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  const runtime = `${home}/run`;
  for (const folder of [home, runtime]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chown(folder, user, user);
  }
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, XDG_RUNTIME_DIR: runtime };
  const group = `slipway-test-${process.pid}`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], {
    env: { ...env, GROUP: group, SYSTEMD_LOG_TARGET: 'console' },
    stdio: 'ignore',
  });
  const ended = once(child, 'close').catch(() => undefined);
  const stop = async () => {
    // It ends its units first. Source: systemd(1), "Signals".
    child.kill('SIGTERM');
    await ended;
    for (const hierarchy of hierarchies) await removeGroup(`${hierarchy}/${group}`);
  };
  const isGone = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  for (const endMs = performance.now() + startTimeoutMs; performance.now() < endMs && !isGone(); await delay(50)) {
    if (!hasStarted(env)) continue;
    const systemctl = (...args: string[]) =>
      execFileSync('systemctl', ['--user', ...args], { env, uid: user, gid: user, encoding: 'utf8' }).trim();
    return { uid: user, gid: user, env, systemctl, stop };
  }
  await stop();
  return null;
}

/** Kills the main process of a unit, as the kernel would where memory is short. Returns its id. */
export async function killMainProcess({ systemctl }: UserManager, unit: string): Promise<number> {
  const pid = Number(systemctl('show', '--property=MainPID', '--value', unit));
  // Its own, and not one that has the number by now.
  if (!(await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(unit)) throw new Error(`${pid} is not of ${unit}`);
  process.kill(pid, 'SIGKILL');
  return pid;
}
