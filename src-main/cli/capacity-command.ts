/** Owns `slipway capacity`: how many workers a load needs, with or without a running engine. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CapacityEstimate, CapacityView } from '../contract/capacity.ts';
import { DomainError } from '../contract/errors.ts';
import { estimateCapacity } from '../domain/capacity.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, print, table } from './output.ts';

interface CapacityOptions extends EngineOptions, OutputOptions {
  readonly deploys: number;
  readonly size: number;
  readonly speed: number;
}

const factors: Readonly<Record<string, number>> = {
  '': 1,
  ...{ k: 1e3, m: 1e6, g: 1e9, t: 1e12 },
  ...{ ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 },
};

/** Bytes of `15GB`, `10MiB` or a bare number, with `/s` after it where `perSecond`. Throws commander's error for a wrong argument. */
function amount(perSecond: boolean, example: string): (text: string) => number {
  return text => {
    const plain = perSecond ? text.replace(/\/s$/i, '') : text;
    const [, number = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?) ?([kmgt]i?)?b?$/i.exec(plain) ?? [];
    const value = Number(number) * (factors[unit.toLowerCase()] ?? Number.NaN);
    if (number === '' || !(value > 0)) throw new InvalidArgumentError(`Give more than nothing, such as ${example}.`);
    return value;
  };
}

export function addCapacityCommand(program: Command): void {
  program
    .command('capacity')
    .description('how many workers a load needs, step by step; beside it what a running engine measured')
    .option('--deploys <n>', 'deploys a day', wholeNumber(1, 10_000_000), 1_000)
    .option('--size <bytes>', 'what each of them makes: 15GB', amount(false, '15GB'), 15e9)
    .option('--speed <rate>', 'how fast one worker makes it: 10MB/s', amount(true, '10MB/s'), 10e6)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CapacityOptions>();
      const load = { deploysPerDay: options.deploys, sizeBytes: options.size, bytesPerSecond: options.speed };
      const view = await callEngine(options, client => client.capacity.get(load)).catch((error: unknown) => {
        // The formula needs no engine; only what was measured does.
        if (error instanceof DomainError && error.code === 'host.not_running') return null;
        throw error;
      });
      const shown: CapacityView = view ?? { assumed: estimateCapacity(load), measured: null, workersNow: 0 };
      print(view ?? { ...shown, workersNow: null }, options, describe(shown));
    });
}

function seconds(ms: number | null): string {
  if (ms === null) return 'grows without end';
  const value = ms / 1_000;
  if (value < 120) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  return value < 7_200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3_600)} h`;
}

/** The numbers of workers around which something changes. */
function rowsOf({ points, workers, workersExact }: CapacityEstimate): string[][] {
  const marks = [Math.floor(workersExact), Math.ceil(workersExact), Math.ceil(workersExact) + 1, workers];
  const wanted = new Set(marks.filter(mark => mark > 0));
  return points
    .filter(point => wanted.has(point.workers))
    .map(point => [
      String(point.workers),
      `${Math.round(point.busyShare * 100)} %`,
      String(Math.round(point.deploysPerDay)),
      seconds(point.meanWaitMs),
      seconds(point.p95WaitMs),
    ]);
}

function describe({ assumed, measured, workersNow }: CapacityView): string {
  const steps = table(
    ['', 'FORMULA', ''],
    assumed.steps.map(({ name, formula, result }) => [name, formula, result]),
  );
  const waits = table(['WORKERS', 'BUSY', 'DEPLOYS A DAY', 'MEAN WAIT', '19 OF 20 WAIT AT MOST'], rowsOf(assumed));
  const estimate = `\nWaiting, by Erlang's C formula (deploys that come independently of each other):\n${waits}`;
  if (measured === null) return `${steps}${estimate}`;
  const { builds, buildsPerDay, meanBuildMs, meanWaitMs, estimate: here } = measured;
  return `${steps}${estimate}\nMeasured here: ${builds} builds, ${buildsPerDay.toFixed(1)} a day, ${seconds(meanBuildMs)} each after ${seconds(meanWaitMs)} of waiting. They need ${here.workers} ${here.workers === 1 ? 'worker' : 'workers'}; there are ${workersNow}.\n`;
}
