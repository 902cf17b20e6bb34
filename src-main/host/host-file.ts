/** Owns the file by which commands find the running engine of a data folder: port and token, readable by its owner alone. */
import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';

const hostFileSchema = z.object({ pid: z.number().int(), port: z.number().int(), token: z.string() });
export type HostFile = z.infer<typeof hostFileSchema>;

export async function writeHostFile(folder: DataFolder, host: HostFile): Promise<void> {
  await replacePrivateFile(folder.hostFile, Buffer.from(`${JSON.stringify(host)}\n`));
}

export async function removeHostFile(folder: DataFolder): Promise<void> {
  await rm(folder.hostFile, { force: true });
}

/** Throws `host.not_running` with what to do. */
export async function readHostFile(folder: DataFolder): Promise<HostFile> {
  try {
    return hostFileSchema.parse(JSON.parse(await readFile(folder.hostFile, 'utf8')));
  } catch (error) {
    const missing = systemErrorCode(error) === 'ENOENT';
    throw new DomainError(
      'host.not_running',
      missing
        ? `No Slipway runs on ${folder.root}. Start one with "slipway serve", or name another folder with --data.`
        : `${folder.hostFile} cannot be read. Start "slipway serve" again.`,
      { folder: folder.root },
    );
  }
}
