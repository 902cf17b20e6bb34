/** Owns the settings of an installation that a person may change: their names, bounds and defaults. Knows not where they are kept. */
import { z } from 'zod';
import { DomainError } from './errors.ts';
import { rateMeaning, rateSchema } from './rate.ts';

const mebibyte = 1024 * 1024;
/** Settings are kept as text, and a command gives them as text. */
const wholeNumber = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(low).max(high));

interface Definition<Value> {
  /** From text. */
  readonly schema: z.ZodType<Value>;
  /** What holds while nobody has chosen. */
  readonly initial: Value;
  readonly meaning: string;
}

const define = <Value>(schema: z.ZodType<Value>, initial: NoInfer<Value>, meaning: string): Definition<Value> => ({
  schema,
  initial,
  meaning,
});

const definitions = {
  'workers.size': define(
    z.union([z.literal('auto'), wholeNumber(0, 256)]),
    'auto',
    'worker processes: auto (by cores, memory and power), or 0 to 256',
  ),
  'workers.onBattery': define(
    z.enum(['fewer', 'same', 'none']),
    'fewer',
    'workers on battery while the size is auto: fewer (half), same or none',
  ),
  'workers.checkupMs': define(
    wholeNumber(1_000, 300_000),
    5_000,
    'how often a worker shows that it lives, in milliseconds: 1000 to 300000',
  ),
  'workers.stallMs': define(
    wholeNumber(60_000, 86_400_000),
    900_000,
    'how long checkout, plan, pack or publish may stand still before the worker is replaced, in milliseconds: 60000 to 86400000',
  ),
  'workers.recycleAfterJobs': define(
    wholeNumber(1, 1_000_000),
    50,
    'jobs after which a worker makes place for a fresh one: 1 to 1000000',
  ),
  // A fresh worker takes about 120 MiB; with a bound near that, one would be replaced after every job.
  'workers.recycleAboveBytes': define(
    wholeNumber(256 * mebibyte, 1024 * 1024 * mebibyte),
    512 * mebibyte,
    'memory of a worker between jobs above which it makes place for a fresh one, in bytes: at least 268435456',
  ),
  'retention.builds': define(
    wholeNumber(1, 10_000),
    10,
    'newest builds of a repository whose packs are kept, unless it has a number of its own: 1 to 10000',
  ),
  'retention.rollbacks': define(wholeNumber(1, 1_000), 5, 'earlier builds that each channel can go back to: 1 to 1000'),
  'retention.graceMinutes': define(
    wholeNumber(0, 10_080),
    60,
    'how long a pack stays after it was stored, and after a channel ran it, in minutes: 0 to 10080',
  ),
  'retention.logJobs': define(
    wholeNumber(1, 1_000_000),
    500,
    'jobs of a repository whose logs are kept at most; the newest 10 always: 1 to 1000000',
  ),
  'retention.logDays': define(wholeNumber(1, 36_500), 180, 'how long logs are kept at most, in days: 1 to 36500'),
  'retention.logBytes': define(
    wholeNumber(mebibyte, 1024 * 1024 * mebibyte),
    2048 * mebibyte,
    'what all logs may take together, in bytes; the oldest go first: at least 1048576',
  ),
  'sources.hooks': define(
    z
      .string()
      .max(100)
      .regex(/^(off|(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5})$/i),
    'off',
    'where webhooks of forges are heard as a hint to look now: off, or an address and port such as 0.0.0.0:7800',
  ),
  'sources.mirrorBytes': define(
    wholeNumber(64 * mebibyte, 1024 * 1024 * mebibyte),
    50 * 1024 * mebibyte,
    'what the mirrors of repositories may take together, and one fetch at most, in bytes; the least recently used go first: at least 67108864',
  ),
  'swarm.listen': define(
    z.enum(['this-machine', 'network']),
    'this-machine',
    'who may fetch packs from this control center: this-machine, or network: all whose connections reach it, if they know the pack; never the API',
  ),
  'swarm.uploadLimit': define(
    z.union([z.literal('none'), rateSchema]),
    'none',
    `the most that is given to machines: none, or ${rateMeaning}`,
  ),
  'swarm.limitHours': define(
    z.string().regex(/^(always|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$/),
    'always',
    'when that limit holds: always, or hours of this machine such as 08:00-18:00',
  ),
  'swarm.onBattery': define(
    z.enum(['seed', 'pause']),
    'seed',
    'what is given to machines while this one runs on battery: seed or pause',
  ),
  'swarm.onMetered': define(
    z.enum(['seed', 'pause']),
    'seed',
    'the same while the way out is a modem, or NetworkManager calls it metered (known on Linux alone): seed or pause',
  ),
  'swarm.trackerPort': define(
    z.union([z.literal('off'), wholeNumber(1, 65_535)]),
    'off',
    'a tracker for machines, where the swarm listens: off, or a port',
  ),
  'swarm.tracker': define(
    z.union([z.literal('none'), z.url({ protocol: /^https?$/ }).max(100)]),
    'none',
    'another tracker that machines are told of: none, or the URL that "slipway tracker" shows',
  ),
} as const;

export type SettingName = keyof typeof definitions;
export type Settings = {
  readonly [Name in SettingName]: (typeof definitions)[Name]['initial'];
};

const names = [
  'workers.size',
  'workers.onBattery',
  'workers.checkupMs',
  'workers.stallMs',
  'workers.recycleAfterJobs',
  'workers.recycleAboveBytes',
  'retention.builds',
  'retention.rollbacks',
  'retention.graceMinutes',
  'retention.logJobs',
  'retention.logDays',
  'retention.logBytes',
  'sources.hooks',
  'sources.mirrorBytes',
  'swarm.listen',
  'swarm.uploadLimit',
  'swarm.limitHours',
  'swarm.onBattery',
  'swarm.onMetered',
  'swarm.trackerPort',
  'swarm.tracker',
] as const satisfies readonly SettingName[];
export const settingNameSchema = z.enum(names);
export const settingValueSchema = z.union([z.string().max(100), z.number()]);

export const settingViewSchema = z.object({
  name: settingNameSchema,
  value: settingValueSchema,
  isDefault: z.boolean(),
  meaning: z.string(),
});
export type SettingView = z.infer<typeof settingViewSchema>;

/** What lies in the store of settings as text, by name. */
export type StoredSettings = ReadonlyMap<string, string>;

/** The settings as they hold: what is stored and fits, else the default. */
export function settingsOf(stored: StoredSettings): Settings {
  const held = <Value>(name: SettingName, { schema, initial }: Definition<Value>): Value => {
    // A value that a newer version stored and that does not fit here counts as none.
    const parsed = schema.safeParse(stored.get(name));
    return parsed.success ? parsed.data : initial;
  };
  return {
    'workers.size': held('workers.size', definitions['workers.size']),
    'workers.onBattery': held('workers.onBattery', definitions['workers.onBattery']),
    'workers.checkupMs': held('workers.checkupMs', definitions['workers.checkupMs']),
    'workers.stallMs': held('workers.stallMs', definitions['workers.stallMs']),
    'workers.recycleAfterJobs': held('workers.recycleAfterJobs', definitions['workers.recycleAfterJobs']),
    'workers.recycleAboveBytes': held('workers.recycleAboveBytes', definitions['workers.recycleAboveBytes']),
    'retention.builds': held('retention.builds', definitions['retention.builds']),
    'retention.rollbacks': held('retention.rollbacks', definitions['retention.rollbacks']),
    'retention.graceMinutes': held('retention.graceMinutes', definitions['retention.graceMinutes']),
    'retention.logJobs': held('retention.logJobs', definitions['retention.logJobs']),
    'retention.logDays': held('retention.logDays', definitions['retention.logDays']),
    'retention.logBytes': held('retention.logBytes', definitions['retention.logBytes']),
    'sources.hooks': held('sources.hooks', definitions['sources.hooks']),
    'sources.mirrorBytes': held('sources.mirrorBytes', definitions['sources.mirrorBytes']),
    'swarm.listen': held('swarm.listen', definitions['swarm.listen']),
    'swarm.uploadLimit': held('swarm.uploadLimit', definitions['swarm.uploadLimit']),
    'swarm.limitHours': held('swarm.limitHours', definitions['swarm.limitHours']),
    'swarm.onBattery': held('swarm.onBattery', definitions['swarm.onBattery']),
    'swarm.onMetered': held('swarm.onMetered', definitions['swarm.onMetered']),
    'swarm.trackerPort': held('swarm.trackerPort', definitions['swarm.trackerPort']),
    'swarm.tracker': held('swarm.tracker', definitions['swarm.tracker']),
  };
}

/** As they are shown. */
export function settingViews(stored: StoredSettings): SettingView[] {
  const settings = settingsOf(stored);
  return names.map(name => ({
    name,
    value: settings[name],
    isDefault: settings[name] === definitions[name].initial,
    meaning: definitions[name].meaning,
  }));
}

/** A value as it is stored. Throws `input.invalid`, with what the setting accepts. */
export function settingText(name: SettingName, value: string | number): string {
  const { schema, meaning } = definitions[name];
  const parsed = schema.safeParse(String(value));
  if (parsed.success) return String(parsed.data);
  throw new DomainError('input.invalid', `"${value}" does not fit the setting ${name}: ${meaning}.`, {
    fields: [{ field: 'value', message: meaning }],
  });
}
