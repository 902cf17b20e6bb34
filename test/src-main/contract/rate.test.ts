import { expect, it } from 'vitest';
import { rateSchema } from '../../../src-main/contract/rate.ts';
import { settingText } from '../../../src-main/contract/settings.ts';

it.each([
  ['5MB/s', 5_000_000],
  ['1.5 MB', 1_500_000],
  ['512KiB', 524_288],
  ['2GiB/s', 2_147_483_648],
  ['1000000', 1_000_000],
  ['800kB', 800_000],
] as const)('%s is %i bytes per second', (text, bytesPerSecond) => {
  expect(rateSchema.parse(text)).toBe(bytesPerSecond);
});

it.each(['', '0', '16383', '-5MB', '5 MB/h', '5mb', '1e9', '5TB', '9999999GB', 'NaN', '5MB/s; rm -rf'])(
  '%s is refused',
  text => {
    expect(rateSchema.safeParse(text).success).toBe(false);
  },
);

it('is kept as whole bytes, and the hours of a limit are hours of a day', () => {
  expect(settingText('swarm.uploadLimit', '5MB/s')).toBe('5000000');
  expect(settingText('swarm.uploadLimit', 'none')).toBe('none');
  expect(settingText('swarm.limitHours', '22:00-06:30')).toBe('22:00-06:30');
  for (const hours of ['24:00-06:00', '8:00-18:00', '08:60-18:00', 'never', '08:00-18:00 ']) {
    expect(() => settingText('swarm.limitHours', hours)).toThrow('08:00-18:00');
  }
});
