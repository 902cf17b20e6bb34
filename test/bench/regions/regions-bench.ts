/** Owns `npm run bench -- regions`: seven sound regions beside five faulty ones and alone, and what regions at rest take of a core. */
import { type Bench, minRuns, type Row, rowOf } from '../bench.ts';
import { catchUp } from './catch-up.ts';
import { restingRegions } from './rest.ts';

export const regionsBench: Bench = {
  summary: 'one artifact to 12 regions of which 5 are faulty, and 100 repositories × 20 regions × 50 versions at rest',
  async run({ quick, say }) {
    const sizeBytes = (quick ? 16 : 64) * 1024 * 1024;
    const [together, alone]: [number[], number[]] = [[], []];
    for (let run = 0; run < minRuns; run += 1) {
      say(`seven regions, with five faulty ones beside them and alone, run ${run + 1} of ${minRuns}`);
      // In turn, so that what else the machine does meets both.
      together.push(await catchUp({ sizeBytes, isFaulty: true }));
      alone.push(await catchUp({ sizeBytes, isFaulty: false }));
    }
    const size = quick
      ? { repositories: 20, regions: 10, versions: 10, seconds: 10 }
      : { repositories: 100, regions: 20, versions: 50, seconds: 60 };
    say(`${size.repositories} repositories × ${size.regions} regions × ${size.versions} versions at rest`);
    const rest = await restingRegions(size);
    const rows: Row[] = [
      rowOf({
        name: `${sizeBytes / 1024 / 1024} MiB verified in 7 of 12 regions (3 fail, 1 slow, 1 full)`,
        unit: 's',
        ours: together,
        peer: { name: 'the 7 alone', values: alone },
        ratioAtMost: 1.25,
      }),
      rowOf({ name: 'at rest: share of a core', unit: '%', ours: [rest.sharePercent], atMost: 1 }),
      rowOf({ name: 'at rest: of it, looks, documents and audit', unit: '%', ours: [rest.parts.always] }),
      rowOf({ name: 'at rest: of it, what should be where', unit: '%', ours: [rest.parts.atTimes] }),
      rowOf({ name: 'at rest: lists of a store', unit: 'calls', ours: [rest.lists], atMost: 0 }),
      rowOf({ name: 'at rest: heads of all stores a minute', unit: 'calls', ours: [rest.headsPerMinute] }),
      rowOf({ name: 'at rest: bytes read of packs', unit: 'B', ours: [rest.packReads], atMost: 0 }),
    ];
    return rows;
  },
};
