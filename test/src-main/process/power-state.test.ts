import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createLinuxPowerState } from '../../../src-main/process/power-state.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

type Supply = Readonly<Record<string, string>>;

/** What it says of these power supplies. A folder in the form of /sys/class/power_supply stands for the kernel's. */
async function onBattery(supplies: readonly Supply[]): Promise<boolean | null> {
  const folder = await scratchFolder(onTestFinished);
  for (const [index, supply] of supplies.entries()) {
    await mkdir(`${folder}/supply${index}`);
    for (const [name, value] of Object.entries(supply)) {
      await writeFile(`${folder}/supply${index}/${name}`, `${value}\n`);
    }
  }
  return createLinuxPowerState(folder).onBattery();
}

const battery = (status: string): Supply => ({ type: 'Battery', status });
const mains = (online: string): Supply => ({ type: 'Mains', online });

it('is on battery when it discharges and nothing feeds it', async () => {
  expect(await onBattery([battery('Discharging'), mains('0')])).toBe(true);
  expect(await onBattery([battery('Full'), battery('Discharging')])).toBe(true);
});

it('is not on battery while mains or USB feed it, whatever the battery says', async () => {
  expect(await onBattery([battery('Discharging'), mains('1')])).toBe(false);
  expect(await onBattery([{ type: 'USB', online: '1' }, battery('Discharging')])).toBe(false);
  expect(await onBattery([battery('Charging'), mains('0')])).toBe(false);
});

it('knows nothing without a battery of its own', async () => {
  expect(await onBattery([])).toBeNull();
  expect(await onBattery([{ ...battery('Discharging'), scope: 'Device' }])).toBeNull();
  expect(await createLinuxPowerState('/nowhere').onBattery()).toBeNull();
});
