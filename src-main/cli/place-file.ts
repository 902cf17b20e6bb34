/** Owns writing a file whole or not at all. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes `path` of what `write` puts into the temporary file beside it; folders above it are made. Throws what the system throws. */
export async function placeFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await write(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
