/** Owns network namespaces for tests: two machines with one link between them, and no route to anything else. */
import { execFileSync } from 'node:child_process';

export interface LinkedNamespaces {
  /** By position: programs start there by `ip netns exec`. */
  readonly names: readonly [string, string];
  readonly addresses: readonly [string, string];
  remove(): void;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

function removeNamespaces(names: readonly string[]): void {
  for (const name of names) {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was not made.
    }
  }
}

/** Null where this machine may not make them. */
export function linkNamespaces(): LinkedNamespaces | null {
  if (process.platform !== 'linux') return null;
  const names = [`swn${process.pid}a`, `swn${process.pid}b`] as const;
  const addresses = ['10.214.7.1', '10.214.7.2'] as const;
  try {
    for (const name of names) ip('netns', 'add', name);
    ip('-n', names[0], 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', names[1]);
    for (const [index, name] of names.entries()) {
      ip('-n', name, 'addr', 'add', `${addresses[index]}/24`, 'dev', 'eth0');
      for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    }
    return { names, addresses, remove: () => removeNamespaces(names) };
  } catch {
    removeNamespaces(names);
    return null;
  }
}

/** Where packets of a namespace can go, one line for each route. */
export function routesOf(name: string): string[] {
  return ip('-n', name, 'route').trim().split('\n');
}
