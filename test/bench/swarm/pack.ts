/** Owns the pack that a swarm bench moves: random bytes with their torrent, as a build would make it. */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pieceLengthFor } from '../../../src-main/artifacts/pack-file.ts';
import { createMetainfo } from '../../../src-main/swarm/metainfo.ts';

export interface BenchPack {
  readonly file: string;
  readonly name: string;
  readonly folder: string;
  readonly sizeBytes: number;
  readonly torrentFile: string;
  readonly infoHash: string;
}

/** Writes a pack of `sizeBytes` and its torrent into `folder`. */
export async function writeBenchPack(folder: string, sizeBytes: number): Promise<BenchPack> {
  const pieceLengthBytes = pieceLengthFor(sizeBytes);
  const whole = createHash('sha256');
  const pieces: Buffer[] = [];
  const draft = join(folder, 'draft');
  const file = await open(draft, 'w');
  for (let done = 0; done < sizeBytes; done += pieceLengthBytes) {
    const bytes = randomBytes(Math.min(pieceLengthBytes, sizeBytes - done));
    whole.update(bytes);
    pieces.push(createHash('sha1').update(bytes).digest());
    await file.write(bytes);
  }
  await file.close();
  const name = `${whole.digest('hex')}.tar.zst`;
  const { torrent, infoHash } = createMetainfo({ name, sizeBytes, pieceLengthBytes, pieces: Buffer.concat(pieces) });
  const torrentFile = join(folder, 'pack.torrent');
  await rename(draft, join(folder, name));
  await writeFile(torrentFile, torrent);
  return { file: join(folder, name), name, folder, sizeBytes, torrentFile, infoHash };
}
