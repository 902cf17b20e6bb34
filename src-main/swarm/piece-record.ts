/** Owns the note beside a half-loaded pack that says which pieces are there, so that going on need not read them all again. */

import { hash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Metainfo } from './metainfo.ts';

const infoHashBytes = 20;
const checksumBytes = 32;

function pathOf(packFile: string): string {
  return `${packFile}.pieces`;
}

/**
 * One bit for each piece that was checked and lies in `packFile`, as BEP 3 counts bits; null where there is no such note of that
 * torrent, or a damaged one. It is a hint: who uses it looks at a piece, and at the pack's digest in the end.
 */
export async function readPieceRecord(packFile: string, metainfo: Metainfo): Promise<Uint8Array | null> {
  const bytes = await readFile(pathOf(packFile)).catch(() => null);
  if (bytes === null || bytes.byteLength !== infoHashBytes + Math.ceil(metainfo.pieceCount / 8) + checksumBytes)
    return null;
  const content = bytes.subarray(0, -checksumBytes);
  const isOurs =
    content.toString('hex', 0, infoHashBytes) === metainfo.infoHash &&
    bytes.subarray(-checksumBytes).equals(hash('sha256', content, 'buffer'));
  return isOurs ? Uint8Array.from(content.subarray(infoHashBytes)) : null;
}

/** Replaces the note. Call it only when those pieces are on the disk itself: a power cut must not leave more than is there. */
export async function writePieceRecord(packFile: string, metainfo: Metainfo, pieces: Uint8Array): Promise<void> {
  const path = pathOf(packFile);
  const content = Buffer.concat([Buffer.from(metainfo.infoHash, 'hex'), pieces]);
  const draft = `${path}.tmp`;
  await writeFile(draft, Buffer.concat([content, hash('sha256', content, 'buffer')]), { mode: 0o644 });
  await rename(draft, path);
}

export async function removePieceRecord(packFile: string): Promise<void> {
  await rm(pathOf(packFile), { force: true });
}
