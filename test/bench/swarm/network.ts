/** Owns the network of a swarm bench: one namespace per machine, each with a shaped link to one bridge. Knows no torrent. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** `swb<pid>-<index>`: what a killed bench left is found by its process, and removed. */
const prefix = 'swb';

export interface MachineLink {
  /** Name of the network namespace; programs start in it by `ip netns exec`. */
  readonly namespace: string;
  readonly address: string;
}

export interface BenchNetwork {
  readonly links: readonly MachineLink[];
  /** Where machines reach the bench itself. Not shaped on its side. */
  readonly hostAddress: string;
  remove(): void;
}

const quietly = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    return true;
  } catch {
    return false;
  }
};

function removeNamed(pid: number): void {
  const folder = '/run/netns';
  if (existsSync(folder)) {
    for (const name of readdirSync(folder)) {
      if (name.startsWith(`${prefix}${pid}-`)) quietly('ip', ['netns', 'del', name]);
    }
  }
  quietly('ip', ['link', 'del', `${prefix}${pid}`]);
}

/** Bridges and namespaces of benches whose process is gone. */
function removeStale(): void {
  const folders = ['/run/netns', '/sys/class/net'].filter(existsSync);
  for (const name of folders.flatMap(folder => readdirSync(folder))) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)(-|$)`).exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamed(Number(pid));
  }
}

/** Why this machine has no such network, or null. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a matter of Linux';
  const name = `${prefix}${process.pid}-probe`;
  if (!quietly('ip', ['netns', 'add', name])) return 'it may not make network namespaces (root, and iproute2)';
  const shaped =
    quietly('ip', ['-n', name, 'link', 'set', 'lo', 'up']) &&
    quietly('ip', [
      ...['netns', 'exec', name, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf'],
      ...['rate', '80mbit', 'burst', '64kb', 'latency', '50ms'],
    ]);
  quietly('ip', ['netns', 'del', name]);
  return shaped ? null : 'its kernel cannot shape traffic (tc tbf)';
}

/**
 * `count` machines whose links carry `megabitPerSecond` in each direction. Removed by `remove`, and when this process is
 * interrupted. A token bucket of 64 KiB and a queue of at most 50 ms: what a plain switch port does.
 */
export function openNetwork(count: number, megabitPerSecond: number): BenchNetwork {
  removeStale();
  const { pid } = process;
  const bridge = `${prefix}${pid}`;
  const subnet = `10.213.${pid % 250}`;
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const shape = ['root', 'tbf', 'rate', `${megabitPerSecond}mbit`, 'burst', '256kb', 'latency', '50ms'];
  const remove = () => {
    removeNamed(pid);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupted);
    process.off('exit', remove);
  };
  const interrupted = () => {
    remove();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);
  process.on('exit', remove);
  try {
    run('ip', 'link', 'add', bridge, 'type', 'bridge');
    run('ip', 'addr', 'add', `${subnet}.254/24`, 'dev', bridge);
    run('ip', 'link', 'set', bridge, 'up');
    const links = Array.from({ length: count }, (_, index) => {
      const namespace = `${prefix}${pid}-${index}`;
      const outside = `${prefix}${pid}v${index}`;
      const address = `${subnet}.${index + 1}`;
      run('ip', 'netns', 'add', namespace);
      run('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      run('ip', 'link', 'set', outside, 'master', bridge, 'up');
      run('ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
      run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up');
      run('tc', 'qdisc', 'add', 'dev', outside, ...shape);
      run('tc', '-n', namespace, 'qdisc', 'add', 'dev', 'eth0', ...shape);
      return { namespace, address };
    });
    return { links, hostAddress: `${subnet}.254`, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
