/** Owns how a person writes bytes per second: `5MB/s`, `512KiB`, `1000000`. */
import { z } from 'zod';

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Below this a swarm moves no block in a useful time. */
const leastBytesPerSecond = 16 * 1024;
const mostBytesPerSecond = 1e12;
export const rateMeaning = 'bytes per second, at least 16KiB, such as 5MB/s';

/** Whole bytes per second. */
export const rateSchema = z.string().transform((text, context) => {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kKMG]?i?B|)(?:\/s)?$/.exec(text.trim()) ?? [];
  const factor = units[unit];
  const value = number === '' || factor === undefined ? Number.NaN : Math.round(Number(number) * factor);
  if (value >= leastBytesPerSecond && value <= mostBytesPerSecond) return value;
  context.addIssue({ code: 'custom', message: `expected ${rateMeaning}` });
  return z.NEVER;
});
