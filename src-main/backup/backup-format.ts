/** Owns what a backup is: a `.tar.zst` with a header first, the files, and a manifest of their digests last. */
import { z } from 'zod';
import { sha256Schema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';

export const headerPath = 'slipway-backup.json';
export const manifestPath = 'manifest.jsonl';
/** Header and manifest lines are small; more is not ours. */
export const maxHeaderBytes = 64 * 1024;

export const backupHeaderSchema = z.object({
  type: z.literal('slipway.backup/v1'),
  /** Of the Slipway that made it. */
  version: z.string(),
  createdAtMs: z.number().int().nonnegative(),
  /** Where the data lay: paths below it are changed when it comes to another place. */
  dataFolder: z.string(),
  /** Whether the main store lies in the data folder. */
  storeIsInside: z.boolean(),
  /** Whether the packs of that store are in the backup. */
  artifacts: z.boolean(),
  /** Which key store of the system holds the master key; null where it came along. */
  keyWrappedBy: z.string().nullable(),
});
export type BackupHeader = z.infer<typeof backupHeaderSchema>;

export const manifestEntrySchema = z.object({
  path: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  sha256: sha256Schema,
});
export type ManifestEntry = z.infer<typeof manifestEntrySchema>;

/** The last line: how many there are, and the digest of all lines before it. */
export const manifestEndSchema = z.object({ entries: z.number().int().nonnegative(), sha256: sha256Schema });

/** What a data folder may get from a backup; all else in a file that says it is one is refused. */
const folders = ['keys', 'logs', 'store', 'sample'] as const;
const files = new Set(['slipway.db', 'known_hosts']);
export const backedUpFolders: readonly string[] = folders;
/** The database goes first, so that what it names is copied after it was named. */
export const databasePath = 'slipway.db';

/** Whether a path of a backup may be written below a data folder: no way out of it, and nothing that is not ours. */
export function mayRestore(path: string): boolean {
  if (files.has(path)) return true;
  const [first = '', ...rest] = path.split('/');
  if (!backedUpFolders.includes(first) || rest.length === 0) return false;
  return rest.every(part => part !== '' && part !== '.' && part !== '..' && !/[\\\0:]/.test(part));
}

export function damaged(file: string, what: string, cause?: unknown): DomainError {
  return new DomainError(
    'backup.damaged',
    `${file} is damaged: ${what}. Nothing was restored. Take another copy of it, or an older backup.`,
    { file },
    { cause },
  );
}
