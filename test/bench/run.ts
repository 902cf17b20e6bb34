/** Owns `npm run bench`: finds the bench by its name, runs it, and prints a table for people or one object for programs. */
import { parseArgs } from 'node:util';
import { type Bench, describeMachine, type Row } from './bench.ts';
import { checkoutBench } from './checkout/checkout-bench.ts';
import { deltaBench } from './delta/delta-bench.ts';
import { demoBench } from './demo/demo-bench.ts';
import { idleBench } from './idle/idle-bench.ts';
import { journeyBench } from './journey/journey-bench.ts';
import { logBench } from './log/log-bench.ts';
import { overheadBench } from './overhead/overhead-bench.ts';
import { packBench } from './pack/pack-bench.ts';
import { planBench } from './plan/plan-bench.ts';
import { pollBench } from './poll/poll-bench.ts';
import { queueBench } from './queue/queue-bench.ts';
import { recoveryBench } from './recovery/recovery-bench.ts';
import { regionsBench } from './regions/regions-bench.ts';
import { replicateBench } from './replicate/replicate-bench.ts';
import { rollbackBench } from './rollback/rollback-bench.ts';
import { swarmBench } from './swarm/swarm-bench.ts';
import { transferBench } from './swarm/transfer-bench.ts';
import { uiBench, uiLogBench } from './ui/ui-bench.ts';

const benches: Readonly<Record<string, Bench>> = {
  checkout: checkoutBench,
  delta: deltaBench,
  demo: demoBench,
  idle: idleBench,
  journey: journeyBench,
  log: logBench,
  overhead: overheadBench,
  queue: queueBench,
  pack: packBench,
  plan: planBench,
  poll: pollBench,
  recovery: recoveryBench,
  regions: regionsBench,
  replicate: replicateBench,
  rollback: rollbackBench,
  swarm: swarmBench,
  transfer: transferBench,
  ui: uiBench,
  'ui-log': uiLogBench,
};

const usage = `Usage: npm run -s bench -- NAME [--quick] [--json]\n\n${Object.entries(benches)
  .map(([name, bench]) => `  ${name.padEnd(10)}${bench.summary}`)
  .join('\n')}`;

function table(rows: readonly Row[]): string {
  const heads = ['', 'ours', 'peer', 'ratio', 'goal', ''];
  const lines = rows.map(row => [
    row.name,
    `${row.ours} ${row.unit}`,
    row.peer === null ? '' : `${row.peer} ${row.unit} (${row.peerName})`,
    row.ratio === null ? '' : `${row.ratio} ×`,
    row.goal ?? '',
    row.holds === null ? '' : row.holds ? 'holds' : 'DOES NOT HOLD',
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map(line => line[column]?.length ?? 0)));
  return [heads, ...lines]
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return null;
  }
}

/** Exit codes: 0 every goal holds, 1 one does not or the bench failed, 2 wrong use. */
async function main(): Promise<number> {
  const parsed = parse(process.argv.slice(2));
  if (!parsed) return 2;
  const [name = '', ...more] = parsed.positionals;
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench || more.length > 0) {
    console.error(usage);
    return 2;
  }
  const { quick, json } = parsed.values;
  const machine = describeMachine();
  const rows = await bench.run({ quick, say: line => console.error(line) });
  const holds = rows.every(row => row.holds !== false);
  if (json) console.log(JSON.stringify({ bench: name, machine, rows, holds }, null, 2));
  else {
    console.log(`${name}: ${bench.summary}`);
    console.log(`${machine.cpu}, ${machine.cores} cores, load ${machine.load.join(' ')}, Node ${machine.node}\n`);
    console.log(table(rows));
  }
  return holds ? 0 : 1;
}

process.exitCode = await main();
