/** Owns one measured run of ours: packs or unpacks in a process of its own, so that its peak memory is that of the work alone. */
import { readFile, writeFile } from 'node:fs/promises';
import { decodeFileList } from '../../../src-main/artifacts/file-list.ts';
import { packTree } from '../../../src-main/artifacts/pack-tree.ts';
import { unpackPack } from '../../../src-main/artifacts/unpack.ts';

/** `pack ROOT PACK` writes the list beside the pack; `unpack PACK FOLDER` reads it there. */
const [verb, from = '', to = ''] = process.argv.slice(2);
const started = performance.now();
let artifactId = '';
if (verb === 'pack') {
  const packed = await packTree({ root: from, include: ['.'], exclude: [], outFile: to });
  ({ artifactId } = packed);
  await writeFile(`${to}.list`, packed.fileList);
  await writeFile(`${to}.id`, artifactId);
} else {
  artifactId = await readFile(`${from}.id`, 'utf8');
  const entries = decodeFileList(await readFile(`${from}.list`), artifactId);
  await unpackPack({ packFile: from, entries, targetDir: to });
}
const seconds = (performance.now() - started) / 1_000;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
console.log(
  JSON.stringify({ seconds, peakBytes: maxRSS * 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, artifactId }),
);
