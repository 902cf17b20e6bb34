import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseMetainfo } from '../../../src-main/swarm/metainfo.ts';
import { readPieceRecord, removePieceRecord, writePieceRecord } from '../../../src-main/swarm/piece-record.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { createPack } from '../../support/swarm-fixtures.ts';

const pack = createPack(10 * 16_384, 16_384);
const metainfo = parseMetainfo(pack.torrent, null);

it('gives back what was noted, for that torrent alone', async () => {
  const file = join(await scratchFolder(), pack.name);
  expect(await readPieceRecord(file, metainfo)).toBeNull();
  await writePieceRecord(file, metainfo, Uint8Array.of(0b1010_0000, 0b0100_0000));
  expect(await readPieceRecord(file, metainfo)).toEqual(Uint8Array.of(0b1010_0000, 0b0100_0000));
  const other = parseMetainfo(createPack(10 * 16_384, 16_384).torrent, null);
  expect(await readPieceRecord(file, other)).toBeNull();
  await removePieceRecord(file);
  await expect(stat(`${file}.pieces`)).rejects.toThrow('ENOENT');
  await removePieceRecord(file);
});

it('is nothing when a byte of it was changed or is missing', async () => {
  const file = join(await scratchFolder(), pack.name);
  await writePieceRecord(file, metainfo, Uint8Array.of(0xff, 0xc0));
  const bytes = await readFile(`${file}.pieces`);
  for (let index = 0; index < bytes.byteLength; index += 7) {
    const wrong = Buffer.from(bytes);
    wrong[index] = (wrong[index] ?? 0) ^ 1;
    await writeFile(`${file}.pieces`, wrong);
    expect(await readPieceRecord(file, metainfo)).toBeNull();
  }
  await writeFile(`${file}.pieces`, bytes.subarray(1));
  expect(await readPieceRecord(file, metainfo)).toBeNull();
});
