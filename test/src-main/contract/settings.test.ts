import { expect, it } from 'vitest';
import { settingsOf, settingText, settingViews } from '../../../src-main/contract/settings.ts';

it('holds the defaults while nobody has chosen, and in place of what does not fit', () => {
  const defaults = settingsOf(new Map());
  expect(defaults).toEqual({
    'workers.size': 'auto',
    'workers.onBattery': 'fewer',
    'workers.checkupMs': 5_000,
    'workers.stallMs': 900_000,
    'workers.recycleAfterJobs': 50,
    'workers.recycleAboveBytes': 512 * 1024 * 1024,
    'retention.builds': 10,
    'retention.rollbacks': 5,
    'retention.graceMinutes': 60,
    'retention.logJobs': 500,
    'retention.logDays': 180,
    'retention.logBytes': 2 * 1024 * 1024 * 1024,
    'swarm.listen': 'this-machine',
    'swarm.uploadLimit': 'none',
    'swarm.limitHours': 'always',
    'swarm.onBattery': 'seed',
    'swarm.onMetered': 'seed',
    'swarm.trackerPort': 'off',
    'swarm.tracker': 'none',
    'sources.hooks': 'off',
    'sources.mirrorBytes': 53_687_091_200,
  });
  const unfit = new Map([
    ['workers.checkupMs', 'often'],
    ['workers.size', '-1'],
    ['other', '1'],
  ]);
  expect(settingsOf(unfit)).toEqual(defaults);
});

it('takes what was stored', () => {
  const stored = new Map([
    ['workers.size', settingText('workers.size', '3')],
    ['workers.checkupMs', settingText('workers.checkupMs', 300_000)],
    ['workers.onBattery', settingText('workers.onBattery', 'none')],
  ]);
  expect(settingsOf(stored)).toMatchObject({
    'workers.size': 3,
    'workers.checkupMs': 300_000,
    'workers.onBattery': 'none',
  });
  const chosen = settingViews(stored).filter(view => !view.isDefault);
  expect(chosen.map(view => view.name)).toEqual(['workers.size', 'workers.onBattery', 'workers.checkupMs']);
});

it.each([
  ['workers.size', ''],
  ['workers.size', ' '],
  ['workers.size', '257'],
  ['workers.size', -1],
  ['workers.size', 1.5],
  ['workers.size', '1e2'],
  ['workers.size', Number.NaN],
  ['workers.checkupMs', 999],
  ['workers.checkupMs', 300_001],
  ['workers.onBattery', 'some'],
  ['workers.recycleAfterJobs', 0],
  ['workers.recycleAboveBytes', 1024],
] as const)('refuses %s "%s", and says what it takes', (name, value) => {
  expect(() => settingText(name, value)).toThrow(
    expect.objectContaining({ code: 'input.invalid', message: expect.stringContaining(`the setting ${name}: `) }),
  );
});
