/** Owns the bench of full packs: making one and unpacking it, beside tar, zstd, sha256sum and mktorrent on the same real tree. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../../src-main/contract/errors.ts';
import { type Bench, type BenchOptions, inFolder, minRuns, type Row, rowOf, runProgram } from '../bench.ts';
import { buildMeasured } from './built.ts';
import { makeRealTree } from './real-tree.ts';

const mebibyte = 1024 * 1024;
const bytesOfSizes = { quick: [96 * mebibyte], full: [1024 * mebibyte, 4096 * mebibyte] };
const peakMegabytes = 300;

const measuredSchema = z.object({ seconds: z.number(), peakBytes: z.number(), cpuSeconds: z.number() });
type Measured = z.infer<typeof measuredSchema>;

async function ours(program: string, verb: 'pack' | 'unpack', from: string, to: string): Promise<Measured> {
  return measuredSchema.parse(JSON.parse(await runProgram(process.execPath, [program, verb, from, to])));
}

/** Seconds of a pipe of programs; the folders and files are arguments, never part of the text. */
async function shell(text: string, ...args: readonly string[]): Promise<number> {
  const started = performance.now();
  await runProgram('bash', ['-c', `set -eo pipefail; ${text}`, 'bench', ...args]);
  return (performance.now() - started) / 1_000;
}

/** What went wrong with a peer, which then has no row; the rest goes on. */
function leftOut(name: string, error: unknown): Row {
  const reason = messageOf(error).split('\n')[0]?.slice(0, 120);
  return {
    ...{ name: `${name}: left out, ${reason}`, unit: 's', ours: Number.NaN, peer: null, peerName: null },
    ...{ limit: null, ratio: null, goal: null, holds: null },
  };
}

interface Runs {
  readonly pack: Measured[];
  readonly unpack: Measured[];
  readonly pipe: number[];
  /** The pipe and what else our pass makes. */
  readonly pipeAndHashes: number[];
  readonly pipeBack: number[];
  /** Until what was unpacked survives a power cut, as ours does. */
  readonly pipeBackToDisk: number[];
}

async function runOnce(program: string, folder: string, runs: Runs, hasTorrent: boolean): Promise<void> {
  const tree = join(folder, 'tree');
  const [pack, piped, torrent] = [join(folder, 'ours'), join(folder, 'piped'), join(folder, 'torrent')];
  const [unpacked, untarred] = [join(folder, 'unpacked'), join(folder, 'untarred')];
  runs.pack.push(await ours(program, 'pack', tree, pack));
  const seconds = await shell('tar -cf - -C "$1" . | zstd -q -f -T0 -3 -o "$2"', tree, piped);
  runs.pipe.push(seconds);
  if (hasTorrent) {
    const more = await shell('sha256sum "$1"; mktorrent -l 20 -a http://localhost -o "$2" "$1"', piped, torrent);
    runs.pipeAndHashes.push(seconds + more);
    await rm(torrent);
  }
  runs.unpack.push(await ours(program, 'unpack', pack, unpacked));
  await rm(unpacked, { recursive: true });
  await mkdir(untarred);
  const back = await shell('zstd -q -dc "$1" | tar -xf - -C "$2"', piped, untarred);
  runs.pipeBack.push(back);
  runs.pipeBackToDisk.push(back + (await shell('sync -f "$1"', untarred)));
  await rm(untarred, { recursive: true });
}

async function compare(program: string, goalBytes: number, say: BenchOptions['say']): Promise<Row[]> {
  return inFolder(async folder => {
    const tree = join(folder, 'tree');
    const { files, bytes } = makeRealTree(tree, goalBytes);
    const size = `${Math.round(bytes / mebibyte)} MiB`;
    say(`${files} files, ${size}`);
    let torrentError: unknown = null;
    await runProgram('mktorrent', ['-h']).catch(error => {
      torrentError = error;
    });
    const runs: Runs = { pack: [], unpack: [], pipe: [], pipeAndHashes: [], pipeBack: [], pipeBackToDisk: [] };
    for (let run = 0; run < minRuns; run += 1) {
      await runOnce(program, folder, runs, torrentError === null);
      const last = [runs.pack.at(-1)?.seconds, runs.pipe.at(-1), runs.unpack.at(-1)?.seconds, runs.pipeBack.at(-1)];
      const [packed, piped, unpacked, untarred] = last.map(value => `${value?.toFixed(1)} s`);
      say(`run ${run + 1}: packed in ${packed} (pipe ${piped}), unpacked in ${unpacked} (pipe ${untarred})`);
    }
    const seconds = (of: readonly Measured[]) => of.map(run => run.seconds);
    const sizes = [(await stat(join(folder, 'ours'))).size, (await stat(join(folder, 'piped'))).size];
    const [ourSize = 0, pipedSize = 0] = sizes.map(value => value / mebibyte);
    const peaks = [...runs.pack, ...runs.unpack].map(run => run.peakBytes / 1e6);
    return [
      rowOf({
        ...{ name: `pack ${files} files, ${size}`, unit: 's', ours: seconds(runs.pack), ratioAtMost: 1.2 },
        peer: { name: 'tar | zstd -T0 -3', values: runs.pipe },
      }),
      torrentError === null
        ? rowOf({
            ...{ name: '  with its hashes', unit: 's', ours: seconds(runs.pack), ratioAtMost: 1 },
            peer: { name: 'that, sha256sum and mktorrent', values: runs.pipeAndHashes },
          })
        : leftOut('  with its hashes', torrentError),
      rowOf({
        ...{ name: '  size', unit: 'MiB', ours: [ourSize], ratioAtMost: 1.06 },
        peer: { name: 'tar | zstd -T0 -3', values: [pipedSize] },
      }),
      rowOf({
        ...{ name: `unpack ${size}`, unit: 's', ours: seconds(runs.unpack), ratioAtMost: 1 },
        peer: { name: 'zstd -d | tar x', values: runs.pipeBack },
      }),
      rowOf({
        ...{ name: '  safe from a power cut, as ours', unit: 's', ours: seconds(runs.unpack) },
        peer: { name: 'zstd -d | tar x, sync -f', values: runs.pipeBackToDisk },
      }),
      rowOf({ name: '  processor time to pack', unit: 's', ours: runs.pack.map(run => run.cpuSeconds) }),
      rowOf({ name: '  peak memory', unit: 'MB', ours: [Math.max(...peaks)], atMost: peakMegabytes }),
    ];
  });
}

export const packBench: Bench = {
  summary: 'packing and unpacking real files, beside tar, zstd, sha256sum and mktorrent',
  async run({ quick, say }) {
    const rows: Row[] = [];
    try {
      for (const program of ['tar', 'zstd']) await runProgram(program, ['--version']);
    } catch (error) {
      return [leftOut('all of it', error)];
    }
    const program = await buildMeasured();
    for (const goalBytes of quick ? bytesOfSizes.quick : bytesOfSizes.full) {
      rows.push(...(await compare(program, goalBytes, say)));
    }
    return rows;
  },
};
