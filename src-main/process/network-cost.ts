/** Owns whether this machine's way out is likely to be paid by the byte, as Linux's kernel and NetworkManager tell; it knows no tariff. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface NetworkCost {
  /** Null where that cannot be known. */
  isMetered(): Promise<boolean | null>;
}

/** Where everything without a route of its own goes. Source: proc(5), /proc/net/route: little-endian hex. */
const anywhere = '00000000';

/**
 * Looks at the interface of the default route: a modem (WWAN) or a dial-up link (PPP) is metered. A phone's hotspot looks as any
 * other Wi-Fi to the kernel: what a person has marked as metered, and what a phone says of itself, NetworkManager knows.
 * Source: DEVTYPE in kernel.org, include/linux/netdevice.h (SET_NETDEV_DEVTYPE) and drivers/net/wwan.
 */
export function createLinuxNetworkCost(
  paths = { routes: '/proc/net/route', interfaces: '/sys/class/net' },
  askManager: () => Promise<boolean | null> = askNetworkManager,
): NetworkCost {
  return {
    async isMetered() {
      try {
        const lines = (await readFile(paths.routes, 'utf8')).split('\n').slice(1);
        const routes = lines.map(line => line.split(/\s+/)).filter(([, destination]) => destination === anywhere);
        const nearest = routes.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
        if (nearest === undefined || !/^[\w.:-]+$/.test(nearest)) return null;
        const facts = await readFile(join(paths.interfaces, nearest, 'uevent'), 'utf8');
        return /^DEVTYPE=(wwan|ppp)$/m.test(facts) || ((await askManager()) ?? false);
      } catch {
        return null;
      }
    },
  };
}

const busTimeoutMs = 2_000;
const metered = 'org.freedesktop.NetworkManager /org/freedesktop/NetworkManager org.freedesktop.NetworkManager Metered';

/** Source: networkmanager.dev, NMMetered: 0 unknown, 1 yes, 2 no, 3 yes by a guess, 4 no by a guess. */
export function meteredBy(answer: string): boolean | null {
  const [, value] = /^u ([0-4])$/m.exec(answer.trim()) ?? [];
  return value === undefined || value === '0' ? null : value === '1' || value === '3';
}

/** Null where there is no NetworkManager, or none that answers. */
async function askNetworkManager(): Promise<boolean | null> {
  try {
    const { stdout } = await runCommand({
      command: 'busctl',
      args: ['--system', '--auto-start=no', 'get-property', ...metered.split(' ')],
      cwd: '/',
      env: process.env,
      timeoutMs: busTimeoutMs,
    });
    return meteredBy(stdout.toString('utf8'));
  } catch {
    return null;
  }
}
