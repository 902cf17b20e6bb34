/** Owns the capacity view: how many workers a load needs, step by step, beside what this installation measured. */
import { useEffect, useRef, useState } from 'react';
import type { CapacityView as Capacity, CapacityEstimate, CapacityLoad } from '../../../src-main/contract/capacity.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatCount, formatDuration } from '../../ui/format.ts';
import { Plot } from '../../ui/plot.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import view from '../../ui/view.module.css';
import {
  capacityHeading,
  decimalSize,
  measuredWords,
  type Slider,
  seedLoad,
  sliderPlace,
  sliders,
  waitSteps,
  waitSummary,
  waitWords,
} from './capacity-model.ts';
import styles from './capacity-view.module.css';
import { TrendPlots } from './trend-plots.tsx';

/** Capacity. */
export function CapacityView() {
  const [load, setLoad] = useState(seedLoad);
  const asked = useSettled(load);
  const key = `capacity:${asked.deploysPerDay}:${asked.sizeBytes}:${asked.bytesPerSecond}`;
  const query = useQuery(key, () => client.capacity.get(asked), ['build', 'worker']);
  // While another load is asked for, the last answer stays.
  const last = useRef<Capacity | undefined>(undefined);
  if (query.data) last.current = query.data;
  const capacity = last.current;
  const measured = capacity?.measured?.estimate.load ?? null;
  useCommands([
    {
      id: 'capacity.measured',
      title: 'Set the load to what was measured',
      group: 'Do',
      shortcut: null,
      isEnabled: () => measured !== null,
      run: () => measured && setLoad(measured),
    },
    {
      id: 'capacity.reset',
      title: 'Set the load back',
      group: 'Do',
      shortcut: null,
      isEnabled: () => load !== seedLoad,
      run: () => setLoad(seedLoad),
    },
  ]);
  if (!capacity) {
    return query.error ? (
      <ErrorNotice error={query.error} onRetry={query.refetch} />
    ) : (
      <EmptyState title="Loading what was measured" />
    );
  }
  const found = measuredWords(capacity);
  return (
    <section className={view.view} aria-label="Capacity">
      <div className={styles.toolbar}>
        <h2 className={styles.heading}>{capacityHeading(capacity.assumed)}</h2>
        <span className={styles.found}>
          <StateGlyph state={found.state} label={null} />
          {found.text}
        </span>
      </div>
      {query.error && <ErrorNotice error={query.error} onRetry={query.refetch} />}
      <div className={styles.top}>
        <div className={styles.left}>
          <LoadSliders load={load} onChange={setLoad} />
          <div className={styles.actions}>
            <Button disabled={measured === null} onClick={() => measured && setLoad(measured)}>
              As measured
            </Button>
            <Button disabled={load === seedLoad} onClick={() => setLoad(seedLoad)}>
              Set back
            </Button>
          </div>
          <Formula capacity={capacity} />
        </div>
        <div className={styles.right}>
          <Waits estimate={capacity.assumed} />
        </div>
      </div>
      <TrendPlots />
    </section>
  );
}

/** A value that has not changed for a moment: a slider moves through many. */
function useSettled(value: CapacityLoad): CapacityLoad {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 60);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function LoadSliders({
  load,
  onChange,
}: {
  readonly load: CapacityLoad;
  readonly onChange: (load: CapacityLoad) => void;
}) {
  return (
    <div className={styles.sliders}>
      {sliders.map(slider => (
        <LoadSlider
          key={slider.name}
          slider={slider}
          value={load[slider.name]}
          onChange={value => onChange({ ...load, [slider.name]: value })}
        />
      ))}
    </div>
  );
}

function LoadSlider(props: {
  readonly slider: Slider;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  const { slider, value, onChange } = props;
  const words = slider.words(value);
  return (
    <label className={styles.slider}>
      <span>{slider.label}</span>
      <input
        type="range"
        min={0}
        max={slider.values.length - 1}
        value={sliderPlace(slider, value)}
        aria-valuetext={words}
        onChange={event => onChange(slider.values[Number(event.target.value)] ?? value)}
      />
      <output className={styles.value}>{words}</output>
    </label>
  );
}

/** The formula: what is assumed, and beside it the same with what was measured. */
function Formula({ capacity: { assumed, measured } }: { readonly capacity: Capacity }) {
  const here = measured?.estimate ?? null;
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th scope="col" className={styles.step}>
            Step
          </th>
          <th scope="col" className={styles.formula}>
            Formula
          </th>
          <th scope="col" className={table.num}>
            Assumed
          </th>
          <th scope="col" className={table.num}>
            Measured here
          </th>
        </tr>
      </thead>
      <tbody>
        <Row
          name="Deploys a day"
          cells={[formatCount(assumed.load.deploysPerDay), here && rate(here.load.deploysPerDay)]}
        />
        <Row
          name="Size of each"
          cells={[decimalSize(assumed.load.sizeBytes), here && decimalSize(here.load.sizeBytes)]}
        />
        <Row
          name="Speed of a worker"
          cells={[
            `${decimalSize(assumed.load.bytesPerSecond)}/s`,
            here && `${decimalSize(here.load.bytesPerSecond)}/s`,
          ]}
        />
        {assumed.steps.map((step, index) => (
          <Row
            key={step.name}
            name={step.name}
            formula={step.formula}
            cells={[step.result, here?.steps[index]?.result ?? null]}
            strong={index === assumed.steps.length - 1}
          />
        ))}
        <Row
          name="Mean wait in the queue"
          cells={[meanWait(assumed), measured && formatDuration(measured.meanWaitMs)]}
        />
      </tbody>
    </table>
  );
}

const rate = (perDay: number) => formatCount(Number(perDay.toPrecision(3)));

function meanWait({ points, workers }: CapacityEstimate): string | null {
  const wait = points.find(point => point.workers === workers)?.meanWaitMs ?? null;
  return wait === null ? null : waitWords(wait);
}

interface RowProps {
  readonly name: string;
  readonly formula?: string;
  readonly cells: readonly (string | null)[];
  readonly strong?: boolean;
}

function Row({ name, formula = '', cells, strong = false }: RowProps) {
  return (
    <tr className={strong ? styles.strong : undefined}>
      <th scope="row" className={styles.name}>
        {name}
      </th>
      <td className={text.sub}>{formula}</td>
      {cells.map((cell, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is a place in its row
        <td key={index} className={table.num}>
          {cell ?? '–'}
        </td>
      ))}
    </tr>
  );
}

/** Throughput and wait by number of workers. */
function Waits({ estimate }: { readonly estimate: CapacityEstimate }) {
  const { points, workers } = estimate;
  if (points.length === 0) {
    return <EmptyState title="No curve for so many workers">One control center does not run that many.</EmptyState>;
  }
  const x = points.map(point => point.workers);
  const formatX = (value: number) => (Number.isInteger(value) ? formatCount(value) : '');
  // Just above where the queue ends at all, waits are so long that nothing else could be read.
  const most = Math.max(60_000, ...points.filter(point => point.busyShare <= 0.92).map(point => point.p95WaitMs ?? 0));
  const within = (value: number | null) => (value !== null && value <= most ? value : null);
  return (
    <>
      <Plot
        title="Wait by number of workers"
        summary={waitSummary(estimate)}
        x={x}
        xLabel="Workers"
        formatX={formatX}
        formatY={waitWords}
        stepsY={waitSteps}
        most={most * 1.05}
        markedX={workers}
        series={[
          { label: 'mean', colour: '--text-default', values: points.map(point => within(point.meanWaitMs)) },
          {
            label: '19 of 20 wait less',
            colour: '--text-muted',
            dashed: true,
            values: points.map(point => within(point.p95WaitMs)),
          },
        ]}
      />
      <Plot
        title="Deploys a day by number of workers"
        summary={`with ${points[0]?.workers ?? 1} ${Math.round(points[0]?.deploysPerDay ?? 0)}, with ${workers} all of them`}
        x={x}
        xLabel="Workers"
        formatX={formatX}
        formatY={value => formatCount(Math.round(value))}
        markedX={workers}
        series={[{ label: 'built', colour: '--text-default', values: points.map(point => point.deploysPerDay) }]}
      />
      <p className={text.sub}>
        Waits by Erlang’s C formula (M/M/c, Kleinrock, “Queueing Systems”, vol. 1, 3.4): deploys that come independently
        of each other, build times that spread as exponentials. Deploys that come in waves wait longer.
      </p>
    </>
  );
}
