import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { crc32c } from '../../../../src-main/stores/crc32c.ts';
import { endsWithFile } from '../../../support/for-this-file.ts';
import { uploadWithCuts } from '../../../support/gcs-server/cut-upload.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';

const onEnd = endsWithFile();
const sizeBytes = 64 * 1024 * 1024 + 5;
const cuts = 6;

it('goes on after each of six cuts, kill -9 among them, and never from the start', async () => {
  const folder = await scratchFolder(onEnd);
  const path = `${folder}/pack`;
  const bytes = randomBytes(sizeBytes);
  await writeFile(path, bytes);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(bytes));
  // Falls in turn on a kill, and on a lost connection with a lost answer or a server in trouble.
  const falls = [0.5, 0.1, 0.5, 0.9, 0.2];
  let turn = 0;
  const result = await uploadWithCuts({
    path,
    sizeBytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    crc32c: crc.toString('base64'),
    stateFile: `${folder}/state`,
    cuts,
    random: () => falls[turn++ % falls.length] ?? 0,
  });
  expect(result).toMatchObject({ restarts: 0, isVerified: true });
  expect(result.kills).toBeGreaterThan(0);
  expect(result.breaks).toBeGreaterThan(0);
  expect(result.kills + result.breaks).toBe(cuts);
  // What was on its way when a cut fell is sent again, and no more.
  expect(result.receivedBytes).toBeLessThan(sizeBytes * 1.5);
});
