/** Owns whether this machine runs on battery, as Electron knows it on every platform. */
import { powerMonitor } from 'electron';
import type { PowerState } from '../process/power-state.ts';

/** To be used after the app is ready. Source: https://www.electronjs.org/docs/latest/api/power-monitor#powermonitorisonbatterypower */
export function createDesktopPowerState(): PowerState {
  return { onBattery: () => Promise.resolve(powerMonitor.isOnBatteryPower()) };
}
