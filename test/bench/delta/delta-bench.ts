/** Owns the bench of delta packs: what a machine receives for the next version, and how long it takes to make it of the last. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { applyDelta } from '../../../src-main/artifacts/delta-apply.ts';
import { unpackPack } from '../../../src-main/artifacts/unpack.ts';
import { messageOf } from '../../../src-main/contract/errors.ts';
import { deltaBetween, packFolder } from '../../support/delta-fixtures.ts';
import { type Bench, type BenchOptions, inFolder, minRuns, type Row, rowOf } from '../bench.ts';
import { changedBytes, receive, rsyncBytes, xdeltaBytes } from './machine.ts';
import {
  changeSmallFiles,
  copyTree,
  editLargeFile,
  type Scenario,
  scenarios,
  writeLargeFile,
  writeSmallFiles,
} from './scenarios.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
/** Of the changed bytes, compressed. */
const goalShare = 1.3;
const goalSpareKibibytes = 256;
/** Of the time of unpacking the full pack. */
const goalTimeShare = 0.2;

function skipped(name: string, error: unknown): Row {
  const reason = messageOf(error).split('\n').slice(0, 2).join(' ').slice(0, 160);
  return {
    ...{ name: `${name}: skipped, ${reason}`, unit: 'KiB', ours: Number.NaN, peer: null, peerName: null },
    ...{ limit: null, ratio: null, goal: null, holds: null },
  };
}

/** A peer's bytes; a row with the reason where the program is not there. */
async function beside(name: string, ours: number, peerName: string, work: () => Promise<number>): Promise<Row> {
  try {
    return rowOf({ name, unit: 'KiB', ours: [ours], peer: { name: peerName, values: [(await work()) / kibibyte] } });
  } catch (error) {
    return skipped(`${name}, ${peerName}`, error);
  }
}

async function compare(scenario: Scenario, say: BenchOptions['say']): Promise<Row[]> {
  return inFolder(async folder => {
    const [oldFolder, freshFolder] = [join(folder, 'old'), join(folder, 'new')];
    try {
      await scenario.make(oldFolder, freshFolder);
    } catch (error) {
      return [skipped(scenario.name, error)];
    }
    const [old, fresh] = [await packFolder(oldFolder), await packFolder(freshFolder)];
    const received = await receive(folder, old, fresh);
    const changed = (await changedBytes(old, fresh)) / kibibyte;
    const ours = received.bytes / kibibyte;
    say(
      `${scenario.name}: ${Math.round(ours)} KiB by ${received.kind}, full ${Math.round(received.fullBytes / kibibyte)} KiB`,
    );
    return [
      rowOf({
        name: scenario.name,
        unit: 'KiB',
        ours: [ours],
        ...(changed === 0 ? {} : { peer: { name: 'really changed, zstd -3', values: [changed] } }),
        atMost: Math.round(goalShare * changed + goalSpareKibibytes),
      }),
      await beside('  beside', ours, 'rsync -az', () => rsyncBytes(folder, old, fresh)),
      await beside('  beside', ours, 'xdelta3 of the tars', () => xdeltaBytes(folder, old, fresh)),
      rowOf({
        ...{ name: '  beside', unit: 'KiB', ours: [ours] },
        peer: { name: 'the full pack', values: [received.fullBytes / kibibyte] },
      }),
    ];
  });
}

async function applyRows(quick: boolean, say: BenchOptions['say']): Promise<Row[]> {
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
    const applied: Record<'copied' | 'linked', number[]> = { copied: [], linked: [] };
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
      const apply = (linkFiles: boolean) => (targetDir: string) =>
        applyDelta({ packFile, base: old, artifactId, targetDir, linkFiles });
      const copied = await timed(applied.copied, apply(false));
      const linked = await timed(applied.linked, apply(true));
      const full = await timed(unpacked, targetDir =>
        unpackPack({ packFile: fresh.packFile, entries: fresh.entries, targetDir }),
      );
      say(`run ${run + 1}: applied in ${copied}, with links in ${linked}, unpacked in ${full}`);
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
    ];
  });
}

export const deltaBench: Bench = {
  summary: 'bytes that a machine receives for the next version of what it has, and the time to make it of that',
  async run({ quick, say }) {
    const rows: Row[] = [];
    for (const scenario of scenarios(quick)) rows.push(...(await compare(scenario, say)));
    rows.push(...(await applyRows(quick, say)));
    return rows;
  },
};
