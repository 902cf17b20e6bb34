/** Owns whether what a build lacked is still missing on this machine. Installs and guesses nothing. */
import { z } from 'zod';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import { resolveTools } from './resolve-tools.ts';

/** Long enough that views which are drawn again and again look once, short enough that an install is seen soon. */
const keptForMs = 10_000;
const missingSchema = z.array(z.object({ name: z.string(), reason: z.string(), install: z.string() }));

const looked = new Map<string, { readonly atMs: number; readonly words: Promise<string | null> }>();

async function look(names: readonly string[]): Promise<string | null> {
  try {
    const evidence = { file: 'slipway.yml', line: null, reason: 'the build before needed it' };
    await resolveTools(
      names.map(program => ({ program, version: null, evidence })),
      process.env.PATH ?? '',
    );
    return null;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const missing = missingSchema.safeParse(error.details.missing).data ?? [];
    return `the build before needed ${missing.map(({ name, reason }) => `${name}, which ${reason}`).join(', and ')}`;
  }
}

/** What the build that ended with `error` lacked and this machine still lacks, in words; null where nothing is known to be missing. */
export async function stillMissing(error: ErrorView | null, now: number): Promise<string | null> {
  if (error?.code !== 'toolchain.missing') return null;
  const names = (missingSchema.safeParse(error.details.missing).data ?? []).map(({ name }) => name).sort();
  if (names.length === 0) return null;
  const key = names.join(' ');
  const known = looked.get(key);
  if (known && Math.abs(now - known.atMs) < keptForMs) return known.words;
  const words = look(names);
  looked.set(key, { atMs: now, words });
  return words;
}
