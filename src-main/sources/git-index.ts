/** Owns reading git's index file. */
import { open } from 'node:fs/promises';

/** The number of files in an index. Source: gitformat-index(5): "DIRC", version, then the count, each 4 bytes. */
export async function countEntries(index: string): Promise<number> {
  const header = Buffer.alloc(12);
  const file = await open(index);
  try {
    await file.read(header, 0, header.length, 0);
  } finally {
    await file.close();
  }
  return header.readUInt32BE(8);
}
