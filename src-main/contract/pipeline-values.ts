/** Owns the values that keys of slipway.yml share: times, texts, commands, variables and paths inside the checkout. */
import { z } from 'zod';
import { variableNameSchema } from './environment.ts';

const dayMs = 24 * 60 * 60 * 1000;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;

/** Milliseconds of `1500ms`, `30s`, `5m`, `1.5h`, or of a bare number of seconds; null where it is none of these. */
function durationMs(value: string | number): number | null {
  if (typeof value === 'number') return Math.round(value * 1000);
  const [, amount, unit] = durationPattern.exec(value) ?? [];
  const scale = unitMs[unit ?? ''];
  return amount === undefined || scale === undefined ? null : Math.round(Number(amount) * scale);
}

const durationHint = 'write a time such as 30s, 5m or 1h, or a number of seconds';
export const durationSchema = z
  .union([z.string().regex(durationPattern, durationHint), z.number().positive(durationHint)], { error: durationHint })
  .transform((value, context) => {
    const ms = durationMs(value);
    if (ms !== null && ms >= 1 && ms <= dayMs) return ms;
    context.addIssue({ code: 'custom', message: 'write a time between 1ms and 24h' });
    return z.NEVER;
  })
  .describe('A time such as 30s, 5m or 1h; a bare number is seconds.');
export const textSchema = z
  .string()
  .max(65_536)
  .regex(/^[^\0]*$/, 'a NUL character cannot be used here');
export const commandSchema = textSchema.regex(/\S/, 'write a command');

export const environmentSchema = z
  .record(
    variableNameSchema,
    z.union([textSchema, z.number(), z.boolean()], { error: 'write a text, a number, true or false' }),
  )
  .transform(record => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)])))
  .describe('Environment variables. Numbers are taken as they are written.');

/** Relative, with `/`, inside the checkout: the same on every platform, and nothing of the host. */
export const artifactPathSchema = textSchema
  .min(1, 'write a path')
  .regex(/^(?![/~]|[A-Za-z]:)[^\\]*$/, 'write a path inside the repository, with / between folders')
  .regex(/^(?!(?:.*\/)?\.\.(?:\/|$))/, 'a path may not lead out of the repository')
  .describe('A path or glob inside the repository.');
