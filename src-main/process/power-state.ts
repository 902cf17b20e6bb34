/** Owns whether this machine runs on battery, where a host without a desktop can know it: Linux. The desktop app asks Electron. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PowerState {
  /** Null where that cannot be known. */
  onBattery(): Promise<boolean | null>;
}

async function read(...path: string[]): Promise<string | null> {
  try {
    return (await readFile(join(...path), 'utf8')).trim();
  } catch {
    return null;
  }
}

/**
 * Reads /sys/class/power_supply. On battery: no mains or USB supply is online, and a battery of the machine itself (not of a
 * mouse: those have the scope "Device") discharges. Source: kernel.org, Documentation/ABI/testing/sysfs-class-power
 */
export function createLinuxPowerState(folder = '/sys/class/power_supply'): PowerState {
  return {
    async onBattery() {
      let names: string[];
      try {
        names = await readdir(folder);
      } catch {
        return null;
      }
      let isDischarging: boolean | null = null;
      for (const name of names) {
        if ((await read(folder, name, 'scope')) === 'Device') continue;
        const type = await read(folder, name, 'type');
        if (type === 'Battery') isDischarging ||= (await read(folder, name, 'status')) === 'Discharging';
        else if ((await read(folder, name, 'online')) === '1') return false;
      }
      return isDischarging;
    },
  };
}
