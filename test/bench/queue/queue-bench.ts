/** Owns the bench of the queue: claims and completions per second, and jobs queued per second, beside plainjob and the bare statement. */
import { join } from 'node:path';
import { type Bench, type BenchOptions, inFolder, median, minRuns, type Row, rowOf } from '../bench.ts';
import { bare, type Durability, ours, plainjob, type Side } from './sides.ts';

const durabilities: readonly Durability[] = ['NORMAL', 'FULL'];
const sideNames = ['ours', 'plainjob', 'bare'] as const;
type SideName = (typeof sideNames)[number];

interface Rates {
  readonly complete: number[];
  readonly completeApart: number[];
  readonly enqueue: number[];
}
type Measured = Readonly<Record<SideName, Rates>>;

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - startedAt);
}

const empty = (): Rates => ({ complete: [], completeApart: [], enqueue: [] });

/** The sides take turns, so that what else the machine does hits all of them. As many jobs are put in as are taken out. */
async function measureSides(
  sides: Readonly<Record<SideName, Side>>,
  durability: Durability,
  runs: number,
  count: number,
): Promise<Measured> {
  const rates: Measured = { ours: empty(), plainjob: empty(), bare: empty() };
  for (const name of sideNames) {
    await sides[name].setDurability(durability);
    await sides[name].enqueue(50);
    await sides[name].complete(50);
    await sides[name].completeApart?.(50);
  }
  for (let run = 0; run < runs; run += 1) {
    for (const name of sideNames) {
      rates[name].enqueue.push(await perSecond(count, () => sides[name].enqueue(count)));
      rates[name].complete.push(await perSecond(count, () => sides[name].complete(count)));
      const side = sides[name];
      if (!side.completeApart) continue;
      const apart = side.completeApart;
      await side.enqueue(count);
      rates[name].completeApart.push(await perSecond(count, () => apart(count)));
    }
  }
  return rates;
}

async function measureDepth(folder: string, depth: number, { quick, say }: BenchOptions) {
  const at = (name: string) => join(folder, `${name}-${depth}.db`);
  const sides = {
    ours: await ours(at('ours'), depth),
    plainjob: await plainjob(at('plainjob'), depth),
    bare: await bare(at('bare'), depth),
  };
  const measured = new Map<Durability, Measured>();
  try {
    for (const durability of durabilities) {
      const count = (durability === 'FULL' ? 300 : 1_500) / (quick ? 3 : 1);
      const rates = await measureSides(sides, durability, quick ? minRuns : 7, count);
      measured.set(durability, rates);
      const shown = sideNames.map(name => `${name} ${Math.round(median(rates[name].complete))}/s`);
      say(`${depth} waiting, ${durability}: ${shown.join(', ')}`);
    }
  } finally {
    for (const side of Object.values(sides)) await side.close();
  }
  return measured;
}

function rowsOf(depth: number, durability: Durability, measured: Measured): Row[] {
  const where = `${depth.toLocaleString('en')} waiting, ${durability}`;
  const row = (name: string, kind: keyof Rates, peer: SideName, ratioAtLeast?: number) =>
    rowOf({
      name: `${name}, ${where}`,
      unit: '/s',
      ours: measured.ours[kind],
      peer: { name: peer === 'bare' ? 'bare statement' : peer, values: measured[peer][kind] },
      ...(ratioAtLeast === undefined ? {} : { ratioAtLeast }),
    });
  return [
    row('claim and complete', 'complete', 'plainjob', 1),
    rowOf({
      ...{ name: `  in two transactions, ${where}`, unit: '/s', ours: measured.ours.completeApart },
      peer: { name: 'plainjob', values: measured.plainjob.complete },
    }),
    row('  beside the limit', 'complete', 'bare'),
    row('enqueue', 'enqueue', 'plainjob', 1),
    row('  beside the limit', 'enqueue', 'bare'),
  ];
}

export const queueBench: Bench = {
  summary: 'claims and completions per second, and jobs queued, one transaction each, at growing depths',
  run: options =>
    inFolder(async folder => {
      const depths = options.quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000];
      const rows: Row[] = [];
      const own = new Map<Durability, { readonly depth: number; readonly rates: readonly number[] }[]>();
      for (const depth of depths) {
        for (const [durability, measured] of await measureDepth(folder, depth, options)) {
          rows.push(...rowsOf(depth, durability, measured));
          own.set(durability, [...(own.get(durability) ?? []), { depth, rates: measured.ours.complete }]);
        }
      }
      for (const [durability, rates] of own) {
        const [shallow, deep] = [rates[0], rates.at(-1)];
        if (!shallow || !deep) continue;
        rows.push(
          rowOf({
            name: `our rate at ${deep.depth.toLocaleString('en')} beside ${shallow.depth.toLocaleString('en')}, ${durability}`,
            unit: '/s',
            ours: deep.rates,
            peer: { name: 'ours', values: shallow.rates },
            ratioAtLeast: 0.9,
          }),
        );
      }
      return rows;
    }),
};
