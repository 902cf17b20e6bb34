/** Owns whether this machine's way out is likely to be paid by the byte, as far as Linux's kernel tells; it knows no tariff. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface NetworkCost {
  /** Null where that cannot be known. */
  isMetered(): Promise<boolean | null>;
}

/** Where everything without a route of its own goes. Source: proc(5), /proc/net/route: little-endian hex. */
const anywhere = '00000000';

/**
 * Looks at the interface of the default route: a modem (WWAN) or a dial-up link (PPP) is metered. A phone's hotspot looks as any
 * other Wi-Fi to the kernel, and what a person has marked as metered is known to their network manager alone.
 * Source: DEVTYPE in kernel.org, include/linux/netdevice.h (SET_NETDEV_DEVTYPE) and drivers/net/wwan.
 */
export function createLinuxNetworkCost(
  paths = { routes: '/proc/net/route', interfaces: '/sys/class/net' },
): NetworkCost {
  return {
    async isMetered() {
      try {
        const lines = (await readFile(paths.routes, 'utf8')).split('\n').slice(1);
        const routes = lines.map(line => line.split(/\s+/)).filter(([, destination]) => destination === anywhere);
        const nearest = routes.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
        if (nearest === undefined || !/^[\w.:-]+$/.test(nearest)) return null;
        const facts = await readFile(join(paths.interfaces, nearest, 'uevent'), 'utf8');
        return /^DEVTYPE=(wwan|ppp)$/m.test(facts);
      } catch {
        return null;
      }
    },
  };
}
