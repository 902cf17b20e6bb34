/** Owns what the capacity view says: the positions of its sliders and the words of its figures. Pure. */
import type { CapacityEstimate, CapacityLoad, CapacityView } from '../../../src-main/contract/capacity.ts';
import { formatCount, formatDuration, plural } from '../../ui/format.ts';

/** Even steps for the eye, from a tenth to ten times: round figures that people think in. */
const figures = [1, 1.5, 2, 3, 4, 5, 6, 8] as const;

/** Every round figure from `10^from` up to `10^to`. */
function scale(from: number, to: number): readonly number[] {
  const decades = Array.from({ length: to - from }, (_, index) => from + index);
  // Below one only whole parts of the next power are round, and floating point would show.
  const values = decades.flatMap(power => figures.map(figure => Number((figure * 10 ** power).toPrecision(2))));
  return [...values, 10 ** to];
}

export interface Slider {
  readonly name: keyof CapacityLoad;
  readonly label: string;
  readonly values: readonly number[];
  readonly words: (value: number) => string;
}

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A size as the formula has it, in decimal units: `15 GB`, `1.5 MB`. */
export function decimalSize(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.95 && unit < decimalUnits.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${Number(value.toFixed(1))} ${decimalUnits[unit]}`;
}

export const sliders: readonly Slider[] = [
  { name: 'deploysPerDay', label: 'Deploys a day', values: scale(0, 5), words: formatCount },
  { name: 'sizeBytes', label: 'Size of each', values: scale(6, 12), words: decimalSize },
  {
    name: 'bytesPerSecond',
    label: 'Speed of a worker',
    values: scale(5, 10),
    words: value => `${decimalSize(value)}/s`,
  },
];

/** The place on a slider that is nearest to a value, by ratio. */
export function sliderPlace({ values }: Slider, value: number): number {
  const away = values.map(one => Math.abs(Math.log(one / value)));
  return away.indexOf(Math.min(...away));
}

/** What is asked before anything was moved. */
export const seedLoad: CapacityLoad = { deploysPerDay: 1_000, sizeBytes: 15e9, bytesPerSecond: 10e6 };

/** `25 workers for 1,000 deploys a day`. */
export function capacityHeading({ workers, load }: CapacityEstimate): string {
  return `${plural(workers, 'worker')} for ${plural(load.deploysPerDay, 'deploy')} a day`;
}

/** What of a comparison a person should know: whether what is there suffices for what was measured. */
export function measuredWords({ measured, workersNow }: CapacityView): {
  readonly state: 'verified' | 'stale' | 'pending';
  readonly text: string;
} {
  if (measured === null) return { state: 'pending', text: 'Nothing was built yet, so nothing is measured.' };
  const { estimate, builds } = measured;
  const needed = `${plural(builds, 'build')} measured here would need ${plural(estimate.workers, 'worker')}`;
  if (workersNow >= estimate.workers) return { state: 'verified', text: `${needed}; there are ${workersNow}.` };
  return { state: 'stale', text: `${needed}; there are only ${workersNow}. Deploys will wait at busy times.` };
}

/** A wait on a plot's axis: `120 ms`, `40 s`, `12:30`, `2 h`. */
export function waitWords(ms: number): string {
  if (ms < 1_000) return ms === 0 ? '0' : `${Math.max(1, Math.round(ms))} ms`;
  return ms >= 7_200_000 ? `${Math.round(ms / 3_600_000)} h` : formatDuration(ms, { tenths: ms % 1_000 !== 0 });
}

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
/** Marks of a scale of times, in milliseconds: those that clocks have. */
export const waitSteps: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map(count => count * second),
  ...[1, 2, 5, 10, 15, 30].map(count => count * minute),
  ...[1, 2, 4, 8, 24, 48, 168].map(count => count * hour),
];

/** What the curve of waits says: from how many workers on the queue ends, and what is gained by the last. */
export function waitSummary({ points, workers }: CapacityEstimate): string {
  const first = points.find(point => point.meanWaitMs !== null);
  const chosen = points.findLast(point => point.workers <= workers);
  if (!first || chosen?.meanWaitMs == null) return 'With so many workers no curve is drawn.';
  return `fewer than ${first.workers} workers never catch up; with ${chosen.workers} a deploy waits ${waitWords(chosen.meanWaitMs)} on average.`;
}
