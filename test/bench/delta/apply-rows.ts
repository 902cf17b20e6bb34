/** Owns the bench of applying a delta of one percent, beside unpacking the full pack. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LinkedFiles } from '../../../src-main/agent/linked-files.ts';
import { recordOf, rowOf as recordRowOf, scanRelease } from '../../../src-main/agent/tree-record.ts';
import { applyDelta } from '../../../src-main/artifacts/delta-apply.ts';
import type { ScannedFileEntry } from '../../../src-main/artifacts/scan-tree.ts';
import { unpackPack } from '../../../src-main/artifacts/unpack.ts';
import { deltaBetween, packFolder } from '../../support/delta-fixtures.ts';
import { type BenchOptions, inFolder, minRuns, type Row, rowOf } from '../bench.ts';
import { changeSmallFiles, copyTree, editLargeFile, writeLargeFile, writeSmallFiles } from './scenarios.ts';

const mebibyte = 1024 * 1024;
/** Of the time of unpacking the full pack. */
const goalTimeShare = 0.2;

/** Both ways of making the next tree of the one that lies here, whose record vouches for its files; and of one that has no record. */
export async function applyRows(quick: boolean, say: BenchOptions['say']): Promise<Row[]> {
  return inFolder(async folder => {
    const files = quick ? 500 : 20_000;
    const largeFiles = 8;
    const largeBytes = (quick ? 8 : 496) * mebibyte;
    const [oldFolder, freshFolder] = [join(folder, 'old'), join(folder, 'new')];
    await mkdir(oldFolder);
    await writeSmallFiles(oldFolder, files);
    for (let index = 0; index < largeFiles; index += 1)
      await writeLargeFile(join(oldFolder, `${index}.bin`), largeBytes);
    await copyTree(oldFolder, freshFolder);
    await changeSmallFiles(freshFolder, files);
    await editLargeFile(join(freshFolder, '0.bin'), largeBytes);
    const [old, fresh] = [await packFolder(oldFolder), await packFolder(freshFolder)];
    const packFile = join(folder, 'delta');
    await deltaBetween(old, fresh, packFile);
    const applied: Record<'linked' | 'copied' | 'unrecorded', number[]> = { linked: [], copied: [], unrecorded: [] };
    const unpacked: number[] = [];
    const timed = async (times: number[], work: (targetDir: string) => Promise<unknown>): Promise<string> => {
      const targetDir = join(folder, 'out');
      const started = performance.now();
      await work(targetDir);
      times.push((performance.now() - started) / 1_000);
      await rm(targetDir, { recursive: true });
      return `${times.at(-1)?.toFixed(1)} s`;
    };
    const { artifactId } = fresh;
    for (let run = 0; run < minRuns; run += 1) {
      // As an agent has it of the release before: written when that was made.
      const rows = new Set(recordOf(await scanRelease(old.folder)).rows());
      const apply = (linkFiles: boolean, isRecorded: boolean) => async (targetDir: string) => {
        const links = new LinkedFiles();
        const base = {
          ...old,
          vouchesFor: (file: ScannedFileEntry) => isRecorded && rows.has(recordRowOf(links.asBefore(file))),
        };
        const onLinked = (before: ScannedFileEntry, after: ScannedFileEntry) =>
          links.add(before.identity, after.identity);
        await applyDelta({ packFile, base, artifactId, targetDir, linkFiles, onLinked });
      };
      const copied = await timed(applied.copied, apply(false, true));
      const unrecorded = await timed(applied.unrecorded, apply(false, false));
      const linked = await timed(applied.linked, apply(true, true));
      const full = await timed(unpacked, targetDir =>
        unpackPack({ packFile: fresh.packFile, entries: fresh.entries, targetDir }),
      );
      say(
        `run ${run + 1}: applied in ${copied} (without a record ${unrecorded}), with links in ${linked}, unpacked in ${full}`,
      );
    }
    const peer = { name: 'unpack the full pack', values: unpacked };
    const treeMebibytes = Math.round(fresh.packed.treeSizeBytes / mebibyte);
    return [
      rowOf({
        ...{ name: `apply 1 % to ${treeMebibytes} MiB, --link-files`, unit: 's', ours: applied.linked, peer },
        ratioAtMost: goalTimeShare,
      }),
      // Without clones in the file system (ext4 has none) all of the tree is written again, as it is from the full pack.
      rowOf({ name: '  with copies, as without that', unit: 's', ours: applied.copied, peer }),
      rowOf({ name: '  with copies, each file read first', unit: 's', ours: applied.unrecorded, peer }),
    ];
  });
}
