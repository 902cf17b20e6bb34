/** Owns what Electron knows of power: whether this machine runs on battery, and when that, its sleep or the session ends. */
import { powerMonitor } from 'electron';
import type { PowerState } from '../process/power-state.ts';

/** To be used after the app is ready. Source: https://www.electronjs.org/docs/latest/api/power-monitor#powermonitorisonbatterypower */
export function createDesktopPowerState(): PowerState {
  return { onBattery: () => Promise.resolve(powerMonitor.isOnBatteryPower()) };
}

/** Calls `onChange` when the plug is pulled or put in, and when the machine wakes or is switched off, until the returned function is called. */
export function watchPower(onChange: (what: 'power' | 'awake' | 'shutdown') => void): () => void {
  const power = () => onChange('power');
  const awake = () => onChange('awake');
  const shutdown = () => onChange('shutdown');
  powerMonitor.on('on-battery', power);
  powerMonitor.on('on-ac', power);
  powerMonitor.on('resume', awake);
  powerMonitor.on('shutdown', shutdown);
  return () => {
    powerMonitor.off('on-battery', power);
    powerMonitor.off('on-ac', power);
    powerMonitor.off('resume', awake);
    powerMonitor.off('shutdown', shutdown);
  };
}
