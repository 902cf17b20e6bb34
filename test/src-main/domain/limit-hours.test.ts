import { expect, it } from 'vitest';
import { limitHolds } from '../../../src-main/domain/limit-hours.ts';

const at = (hour: number, minute = 0) => hour * 60 + minute;

it.each([
  ['always', at(3), true],
  ['08:00-18:00', at(7, 59), false],
  ['08:00-18:00', at(8), true],
  ['08:00-18:00', at(17, 59), true],
  ['08:00-18:00', at(18), false],
  ['22:30-06:00', at(23), true],
  ['22:30-06:00', at(5, 59), true],
  ['22:30-06:00', at(6), false],
  ['22:30-06:00', at(22, 29), false],
  ['00:00-00:00', at(12), true],
] as const)('%s at minute %i: %s', (hours, minuteOfDay, holds) => {
  expect(limitHolds(hours, minuteOfDay)).toBe(holds);
});
