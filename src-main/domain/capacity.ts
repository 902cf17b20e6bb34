/** Owns how many workers a load needs: the formula, step by step, and what waiting to expect. No I/O. */
import type { CapacityEstimate, CapacityLoad, CapacityPoint } from '../contract/capacity.ts';
import { waitOf, waitProbabilities } from './erlang.ts';

const secondsPerDay = 86_400;
/** What a person adds for a day that is busier than others. */
const safetyShare = 0.25;
/** A curve needs no more; between them, numbers of workers are left out. */
const mostPoints = 120;
/** Beyond it no curve is drawn: nobody runs so many workers from one control center. */
const mostWorkers = 20_000;

/** One figure, downwards: 57.6 becomes 50, so that what is counted with is never better than what is. */
function oneFigureDown(value: number): number {
  const scale = 10 ** Math.floor(Math.log10(value));
  // 0.3 / 0.1 is a little less than 3.
  return Number((Math.floor(value / scale + 1e-9) * scale).toPrecision(1));
}

const shown = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const small = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

/** `1,500`, `57.6`, `0.031`. */
function figure(value: number): string {
  return value !== 0 && value < 1 ? small.format(value) : shown.format(value);
}

const units = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** Decimal units, as disks and networks are sold: `15 GB`. */
function size(bytes: number): string {
  const [unit, factor] = units.find(([, least]) => bytes >= least) ?? ['B', 1];
  return `${figure(bytes / factor)} ${unit}`;
}

/** Numbers of workers to look at: from 1 to half as many again as are needed, evenly. */
function workersToShow(workers: number): readonly number[] {
  const last = Math.ceil(Math.max(4, workers * 1.5));
  if (last > mostWorkers) return [];
  const every = Math.ceil(last / mostPoints);
  return Array.from({ length: Math.ceil(last / every) }, (_, index) => Math.min(last, (index + 1) * every));
}

function pointsOf(load: CapacityLoad, secondsPerBuild: number, workers: number): CapacityPoint[] {
  const arrivals = { perSecond: load.deploysPerDay / secondsPerDay, secondsPerBuild };
  const offered = arrivals.perSecond * secondsPerBuild;
  const wanted = workersToShow(workers);
  const points: CapacityPoint[] = [];
  if (wanted.length === 0) return points;
  let number = 0;
  for (const probability of waitProbabilities(offered)) {
    number += 1;
    if (wanted[points.length] !== number) continue;
    const wait = waitOf(arrivals, number, probability);
    points.push({
      workers: number,
      busyShare: Math.min(1, offered / number),
      deploysPerDay: Math.min(load.deploysPerDay, (number * secondsPerDay) / secondsPerBuild),
      meanWaitMs: wait && wait.meanSeconds * 1_000,
      p95WaitMs: wait && wait.p95Seconds * 1_000,
    });
    if (points.length === wanted.length) break;
  }
  return points;
}

/** What the load needs. Every number of it must be positive. */
export function estimateCapacity(load: CapacityLoad): CapacityEstimate {
  const { deploysPerDay, sizeBytes, bytesPerSecond } = load;
  const secondsPerBuild = sizeBytes / bytesPerSecond;
  const buildsPerWorkerDay = secondsPerDay / secondsPerBuild;
  const workersExact = deploysPerDay / buildsPerWorkerDay;
  const roundedBuildsPerWorkerDay = oneFigureDown(buildsPerWorkerDay);
  const roundedWorkers = Math.ceil(Number((deploysPerDay / roundedBuildsPerWorkerDay).toPrecision(12)));
  const workers = Math.ceil(roundedWorkers * (1 + safetyShare));
  return {
    load,
    secondsPerBuild,
    buildsPerWorkerDay,
    workersExact,
    roundedBuildsPerWorkerDay,
    roundedWorkers,
    workers,
    steps: [
      {
        name: 'Time per build',
        formula: `${size(sizeBytes)} ÷ ${size(bytesPerSecond)}/s`,
        result: `${figure(secondsPerBuild)} s`,
      },
      {
        name: 'Builds per worker and day',
        formula: `${figure(secondsPerDay)} s ÷ ${figure(secondsPerBuild)} s`,
        result: figure(buildsPerWorkerDay),
      },
      {
        name: 'Workers, exactly',
        formula: `${figure(deploysPerDay)} deploys ÷ ${figure(buildsPerWorkerDay)}`,
        result: figure(workersExact),
      },
      {
        name: 'Workers, on rounded figures',
        formula: `${figure(deploysPerDay)} deploys ÷ ${figure(roundedBuildsPerWorkerDay)}, rounded up`,
        result: figure(roundedWorkers),
      },
      {
        name: 'With a quarter for safety',
        formula: `${figure(roundedWorkers)} × ${1 + safetyShare}, rounded up`,
        result: figure(workers),
      },
    ],
    points: pointsOf(load, secondsPerBuild, workers),
  };
}
