/** Owns how the values of options are read: what does not fit is wrong use, said before anything is done. */
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';

/** A whole number from `low` to `high`. Throws commander's error for a wrong argument. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`Give a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

const sizeUnits: Readonly<Record<string, number>> = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };

/** Bytes of `500MiB`, `10GiB` or a bare number, up to `high`. Throws commander's error for a wrong argument. */
export function byteSize(high: number): (text: string) => number {
  return text => {
    const [, amount = '', unit = 'b'] = /^(\d+(?:\.\d+)?) ?([kmgt]ib|b)?$/i.exec(text) ?? [];
    const value = Math.round(Number(amount) * (sizeUnits[unit.toLowerCase()] ?? 1));
    if (amount === '' || value > high) throw new InvalidArgumentError('Give a size such as 500MiB, 10GiB or 0.');
    return value;
  };
}

/** `on` or `off`. Throws commander's error for a wrong argument. */
export function onOrOff(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('Give on or off.');
  return text === 'on';
}

/** Degrees from `-limit` to `limit`, as `50.11` or `-121`. Throws commander's error for a wrong argument. */
export function degrees(limit: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^[+-]?\d+(?:\.\d+)?$/.test(text) || Math.abs(value) > limit) {
      throw new InvalidArgumentError(`Give degrees from -${limit} to ${limit}, as 50.11.`);
    }
    return value;
  };
}

/** Text that `schema` accepts; `advice` says what to give instead. Throws commander's error for a wrong argument. */
export function fitting<Value>(schema: z.ZodType<Value>, advice: string): (text: string) => Value {
  return text => {
    const result = schema.safeParse(text);
    if (!result.success) throw new InvalidArgumentError(advice);
    return result.data;
  };
}

/** Collects an option that may be given more than once. */
export function several(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
