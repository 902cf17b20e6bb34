/** Owns the bench of the swarm: one seeder, several machines, links of 80 Mbit/s; until the last machine has the pack. */
import { type Bench, type BenchOptions, inFolder, minRuns, type Row, rowOf } from '../bench.ts';
import { type BenchNetwork, openNetwork, whyNoNamespaces } from './network.ts';
import { type Place, runOurSwarm, type SwarmRun } from './our-swarm.ts';
import { type BenchPack, writeBenchPack } from './pack.ts';
import { type RivalRun, runAria2, runPlainHttp, whyNoAria2 } from './rivals.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const megabitPerSecond = 80;
const bytesPerSecond = (megabitPerSecond * 1_000_000) / 8;
/** Of the time that the seeder's uplink alone needs for one copy. */
const mostTimesUplink = 1.5;

interface Runs {
  readonly ours: SwarmRun[];
  readonly aria2: RivalRun[];
  readonly httpSeconds: number[];
}

async function runAll(
  pack: BenchPack,
  places: readonly Place[],
  network: BenchNetwork | null,
  { quick, say }: BenchOptions,
): Promise<Runs> {
  const runs: Runs = { ours: [], aria2: [], httpSeconds: [] };
  const noAria2 = whyNoAria2();
  if (noAria2 !== null) say(`aria2 is left out: ${noAria2}`);
  for (let number = 1; number <= minRuns; number += 1) {
    await inFolder(async folder => {
      const ours = await runOurSwarm(pack, places, folder);
      runs.ours.push(ours);
      say(`run ${number}: ours ${ours.seconds.toFixed(1)} s`);
    });
    if (network === null) continue;
    if (noAria2 === null) {
      await inFolder(async folder => {
        const aria2 = await runAria2(pack, network.links, network.hostAddress, folder);
        runs.aria2.push(aria2);
        say(`run ${number}: aria2 ${aria2.seconds.toFixed(1)} s`);
      });
    }
    // One copy after another through one uplink: a number that can be known beforehand needs no median.
    if (number > 1) continue;
    await inFolder(async folder => {
      const seconds = await runPlainHttp(pack, network.links, folder);
      runs.httpSeconds.push(seconds);
      say(`plain HTTP to all ${seconds.toFixed(1)} s${quick ? ' (fewer machines, smaller pack)' : ''}`);
    });
  }
  return runs;
}

function rowsOf(runs: Runs, sizeBytes: number, machines: number): readonly Row[] {
  const seconds = runs.ours.map(run => run.seconds);
  const limit = Number(((mostTimesUplink * sizeBytes) / bytesPerSecond).toFixed(1));
  const perGibibyte = (cpuSeconds: number) => cpuSeconds / ((machines * sizeBytes) / gibibyte);
  const aria2 = (of: (run: RivalRun) => number) =>
    runs.aria2.length === 0 ? {} : { peer: { name: 'aria2', values: runs.aria2.map(of) } };
  const time = { name: `until the last of ${machines} machines has it`, unit: 's', ours: seconds, atMost: limit };
  return [
    rowOf({ ...time, ...aria2(run => run.seconds), ...(runs.aria2.length === 0 ? {} : { ratioAtMost: 1 }) }),
    ...(runs.httpSeconds.length === 0
      ? []
      : [
          rowOf({
            name: 'the same, beside plain HTTP to all',
            unit: 's',
            ours: seconds,
            peer: { name: 'HTTP', values: runs.httpSeconds },
          }),
        ]),
    rowOf({
      name: 'packs that the seeder gave out',
      unit: 'packs',
      ours: runs.ours.map(run => run.seederUploadedBytes / sizeBytes),
    }),
    rowOf({
      name: "seeder's CPU per GiB that machines got",
      unit: 's',
      ours: runs.ours.map(run => perGibibyte(run.seederCpuSeconds)),
      ...aria2(run => perGibibyte(run.seederCpuSeconds)),
    }),
    rowOf({
      name: "machines' CPU per GiB that they got",
      unit: 's',
      ours: runs.ours.map(run => perGibibyte(run.machinesCpuSeconds)),
      ...aria2(run => perGibibyte(run.machinesCpuSeconds)),
    }),
  ];
}

export const swarmBench: Bench = {
  summary: 'a pack from one seeder to eight machines on links of 80 Mbit/s, beside aria2 and plain HTTP',
  async run(options) {
    const machines = options.quick ? 3 : 8;
    const sizeBytes = (options.quick ? 16 : 64) * mebibyte;
    const noNamespaces = whyNoNamespaces();
    if (noNamespaces !== null) options.say(`no shaped links here: ${noNamespaces}. The swarm limits itself instead.`);
    const network = noNamespaces === null ? openNetwork(machines + 1, megabitPerSecond) : null;
    try {
      const alone = Array.from({ length: machines + 1 }, () => ({ namespace: null, address: '127.0.0.1' }));
      const places = (network?.links ?? alone).map(place => ({
        ...place,
        limitBytesPerSecond: network === null ? bytesPerSecond : null,
      }));
      return await inFolder(async folder => {
        const pack = await writeBenchPack(folder, sizeBytes);
        return rowsOf(await runAll(pack, places, network, options), sizeBytes, machines);
      });
    } finally {
      network?.remove();
    }
  },
};
