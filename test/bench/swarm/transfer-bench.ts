/** Owns the bench of one transfer over loopback: one seeder, one downloader, beside curl writing to the same disk. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bench, inFolder, minRuns, rowOf } from '../bench.ts';
import { runOurSwarm, type SwarmRun, spawnIn } from './our-swarm.ts';
import { writeBenchPack } from './pack.ts';
import { startFileServer } from './rivals.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const place = { namespace: null, address: '127.0.0.1', limitBytesPerSecond: null };

/** Both sides end with the bytes on the disk and their SHA-256 known. */
async function runCurl(url: string, out: string): Promise<number> {
  const startedAtMs = performance.now();
  const command = `set -e; curl -sf -o '${out}' '${url}'; sync '${out}'; sha256sum '${out}'`;
  const child = spawnIn(null, 'sh', ['-c', command]);
  child.stdout?.resume();
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`curl ended with ${code}.`);
  await rm(out);
  return (performance.now() - startedAtMs) / 1_000;
}

export const transferBench: Bench = {
  summary: 'a pack of 4 GiB over loopback from one seeder to one machine, beside curl to the same disk; peak memory',
  async run({ quick, say }) {
    const sizeBytes = quick ? 512 * mebibyte : 4 * gibibyte;
    return inFolder(async folder => {
      say(`writing ${sizeBytes / mebibyte} MiB`);
      const pack = await writeBenchPack(folder, sizeBytes);
      const ours: SwarmRun[] = [];
      const curlSeconds: number[] = [];
      const server = await startFileServer(null, pack.file, place.address);
      try {
        for (let number = 1; number <= minRuns; number += 1) {
          curlSeconds.push(await runCurl(server.url, join(folder, 'curl')));
          const own = join(folder, `run-${number}`);
          const run = await runOurSwarm(pack, [place, place], own);
          ours.push(run);
          await rm(own, { recursive: true });
          say(`run ${number}: ours ${run.seconds.toFixed(1)} s, curl ${curlSeconds.at(-1)?.toFixed(1)} s`);
        }
      } finally {
        await server.stop();
      }
      const speed = (seconds: number) => sizeBytes / mebibyte / seconds;
      const perGibibyte = (cpuSeconds: number) => cpuSeconds / (sizeBytes / gibibyte);
      return [
        rowOf({
          name: 'speed, digests checked',
          unit: 'MiB/s',
          ours: ours.map(run => speed(run.seconds)),
          peer: { name: 'curl', values: curlSeconds.map(speed) },
          ratioAtLeast: 0.5,
        }),
        rowOf({
          name: "seeder's peak memory",
          unit: 'MB',
          ours: ours.map(run => run.seederPeakBytes / 1e6),
          atMost: 300,
        }),
        rowOf({
          name: "downloader's peak memory",
          unit: 'MB',
          ours: ours.map(run => run.machinePeakBytes / 1e6),
          atMost: 300,
        }),
        rowOf({ name: "seeder's CPU per GiB", unit: 's', ours: ours.map(run => perGibibyte(run.seederCpuSeconds)) }),
        rowOf({
          name: "downloader's CPU per GiB",
          unit: 's',
          ours: ours.map(run => perGibibyte(run.machinesCpuSeconds)),
        }),
      ];
    });
  },
};
