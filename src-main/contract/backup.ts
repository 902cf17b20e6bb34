/** Owns what the contract says of backups: of the whole installation, made while it runs. */
import { z } from 'zod';
import { route } from './api-values.ts';
import { errorViewSchema } from './error-schemas.ts';
import { bytes, time } from './views/units.ts';

export const backupResultSchema = z.object({
  file: z.string(),
  createdAtMs: time,
  sizeBytes: bytes,
  files: z.number().int().nonnegative(),
  /** Whether packs are in it. */
  artifacts: z.boolean(),
  /** Packs of the main store that are not: they come from its regions, or are built again. */
  packsLeftOut: z.number().int().nonnegative(),
  /** Which key store of the system holds the master key, which then is not in it; null where it is. */
  keyWrappedBy: z.string().nullable(),
});
export type BackupResult = z.infer<typeof backupResultSchema>;

export const backupViewSchema = z.object({
  state: z.enum(['none', 'running', 'done', 'failed']),
  file: z.string().nullable(),
  startedAtMs: time.nullable(),
  doneBytes: bytes,
  /** 0 while the database is copied. */
  totalBytes: bytes,
  /** Of the last one that was made, also by an engine before this one; null for none. */
  result: backupResultSchema.nullable(),
  error: errorViewSchema.nullable(),
});
export type BackupView = z.infer<typeof backupViewSchema>;

export const backupApi = {
  get: route('GET', '/backup', 'The backup that is made, or was made last').output(backupViewSchema),
  start: route('POST', '/backup', 'Back up the whole installation into a file on the machine of the engine')
    .input(
      z.object({
        /** A whole path; the engine throws `input.invalid` for what is none. */
        file: z.string().trim().min(1, 'a file is needed').max(4_000),
        /** Packs too; else they are left to the stores that have them. */
        artifacts: z.boolean().default(false),
      }),
    )
    .output(backupViewSchema),
  cancel: route('POST', '/backup/cancel', 'Break off the backup; nothing of it stays').output(backupViewSchema),
};
