import { expect, it } from 'vitest';
import { type PoolSizeFacts, poolSize } from '../../../src-main/domain/pool-size.ts';

const gibibyte = 1024 ** 3;
const machine: PoolSizeFacts = {
  setting: 'auto',
  cores: 8,
  memoryBytes: 32 * gibibyte,
  onBattery: false,
  batteryRule: 'fewer',
};

it.each<[string, Partial<PoolSizeFacts>, number, string]>([
  ['one fewer than cores', {}, 7, 'by cores, 7 of 8'],
  ['one on a single core', { cores: 1 }, 1, 'by cores, 1 of 1'],
  ['one for every 2 GiB', { memoryBytes: 7 * gibibyte }, 3, 'by memory, 7 GiB at 2 GiB each'],
  ['one where there is hardly any memory', { memoryBytes: gibibyte }, 1, 'by memory, 1 GiB at 2 GiB each'],
  ['half of them on battery', { onBattery: true }, 3, 'on battery, half of 7'],
  ['one on battery where there is one', { onBattery: true, cores: 2 }, 1, 'on battery, half of 1'],
  ['none on battery if that was chosen', { onBattery: true, batteryRule: 'none' }, 0, 'none on battery'],
  ['the same on battery if that was chosen', { onBattery: true, batteryRule: 'same' }, 7, 'by cores, 7 of 8'],
  ['all where the power is unknown', { onBattery: null, batteryRule: 'none' }, 7, 'by cores, 7 of 8'],
  ['what was set by hand, on battery too', { setting: 12, onBattery: true }, 12, 'set by hand'],
])('the pool has %s', (_, facts, workers, reason) => {
  expect(poolSize({ ...machine, ...facts })).toEqual({ workers, reason });
});
