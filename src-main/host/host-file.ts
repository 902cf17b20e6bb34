/** Owns the file by which commands find the running engine of a data folder: port and token, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
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

/** A restart within this time keeps the token, so that pages that are open come back by themselves. */
const tokenLifeMs = 24 * 60 * 60 * 1_000;
const keptTokenSchema = z.object({ token: z.string().min(43), madeAtMs: z.number() });

/** 256 random bits that a page or script must show. */
export function newHostToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The token of this folder's host: the one of before where it is less than a day old, else a new one, kept for its owner alone. */
export async function keptHostToken(folder: DataFolder, now: number): Promise<string> {
  try {
    const kept = keptTokenSchema.parse(JSON.parse(await readFile(folder.hostTokenFile, 'utf8')));
    if (kept.madeAtMs <= now && now - kept.madeAtMs < tokenLifeMs) return kept.token;
  } catch {
    // None yet, or not one of ours: a new one takes its place.
  }
  const token = newHostToken();
  await replacePrivateFile(folder.hostTokenFile, Buffer.from(`${JSON.stringify({ token, madeAtMs: now })}\n`));
  return token;
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
