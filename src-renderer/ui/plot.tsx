/** Owns plots over time or over a number: uPlot's canvas, a legend that follows the pointer, and the same values as a table. */
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'react';
import type UPlot from 'uplot';
import { loadUPlot, type UPlotClass } from './load-uplot.ts';
import { onThemeChange } from './log-terminal-colours.ts';
import styles from './plot.module.css';
import table from './table.module.css';

export interface PlotSeries {
  readonly label: string;
  /** Null where there is nothing to show. */
  readonly values: readonly (number | null)[];
  /** A colour of styles/tokens.css: `--text-default`. */
  readonly colour: `--${string}`;
  readonly kind?: 'line' | 'bars';
  readonly dashed?: boolean;
}

export interface PlotProps {
  readonly title: string;
  /** What is plotted, in a sentence, for those who do not see it. */
  readonly summary: string;
  /** Growing; UTC milliseconds where `time`. */
  readonly x: readonly number[];
  readonly xLabel: string;
  readonly formatX: (x: number) => string;
  readonly series: readonly PlotSeries[];
  readonly formatY: (y: number) => string;
  /** What may lie between two marks of the scale, growing; round numbers where left out. */
  readonly stepsY?: readonly number[];
  readonly time?: boolean;
  /** The scale's end; by the values where left out. */
  readonly most?: number;
  /** A value of x that is marked: what the reader looks for. */
  readonly markedX?: number | null;
}

const heightPixels = 168;
const axisFont = '12px Inter Variable, system-ui, sans-serif';

/** What a token's colour is in the theme that applies to `host` now. */
function colourOf(host: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function optionsOf(
  { paths }: UPlotClass,
  host: HTMLElement,
  props: PlotProps,
  onIndex: (index: number | null) => void,
): UPlot.Options {
  const { series, formatX, formatY, stepsY, time = false, most, markedX } = props;
  const axis = { font: axisFont, stroke: () => colourOf(host, '--text-muted'), ticks: { show: false } } as const;
  const grid = { stroke: () => colourOf(host, '--line-subtle'), width: 1 };
  return {
    width: Math.max(200, host.clientWidth),
    height: heightPixels,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    scales: {
      x: { time },
      y: { range: (_plot, _low, high) => [0, most ?? Math.max(high, Number.EPSILON) * 1.08] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_plot, splits) => splits.map(formatX),
        size: 28,
        space: time ? 112 : 72,
      },
      {
        ...axis,
        grid,
        values: (_plot, splits) => splits.map(formatY),
        size: 64,
        space: 32,
        ...(stepsY === undefined ? {} : { incrs: [...stepsY] }),
      },
    ],
    series: [
      {},
      ...series.map(({ colour, kind, dashed }): UPlot.Series => {
        const paint = () => colourOf(host, colour);
        const bars = paths.bars?.({ size: [0.7, 24] });
        return {
          stroke: paint,
          width: 1.5,
          points: { show: kind !== 'bars' && props.x.length < 60, size: 4, fill: paint },
          ...(dashed ? { dash: [5, 4] } : {}),
          ...(kind === 'bars' && bars ? { paths: bars, fill: paint } : {}),
        };
      }),
    ],
    hooks: {
      setCursor: [plot => onIndex(plot.cursor.idx ?? null)],
      drawClear: [
        plot => {
          if (markedX === null || markedX === undefined) return;
          const at = plot.valToPos(markedX, 'x', true);
          plot.ctx.save();
          plot.ctx.strokeStyle = colourOf(host, '--accent-line');
          plot.ctx.lineWidth = devicePixelRatio;
          plot.ctx.beginPath();
          plot.ctx.moveTo(at, plot.bbox.top);
          plot.ctx.lineTo(at, plot.bbox.top + plot.bbox.height);
          plot.ctx.stroke();
          plot.ctx.restore();
        },
      ],
    },
  };
}

/** uPlot counts time in seconds. */
function dataOf({ x, series, time }: PlotProps): UPlot.AlignedData {
  return [time ? x.map(at => at / 1_000) : [...x], ...series.map(({ values }) => [...values])];
}

/** A plot with its legend. Every value is in the table below it too. */
export function Plot(props: PlotProps) {
  const { title, summary, x, xLabel, formatX, series, formatY } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [index, setIndex] = useState<number | null>(null);
  const latest = useRef(props);
  latest.current = props;
  // A plot is made anew when what it is changes; new values of the same are only drawn.
  const shape = JSON.stringify([series.map(({ values, ...rest }) => rest), props.markedX, props.most, x.length < 60]);

  useEffect(() => {
    const element = host.current;
    if (!element || shape === '') return;
    let end: (() => void) | null = () => undefined;
    const show = (loaded: UPlotClass) => {
      if (end === null) return;
      const current = latest.current;
      const formatted = {
        ...current,
        formatX: (at: number) => latest.current.formatX(current.time ? at * 1_000 : at),
      };
      const created = new loaded(optionsOf(loaded, element, formatted, setIndex), dataOf(current), element);
      plot.current = created;
      const resized = new ResizeObserver(() =>
        created.setSize({ width: Math.max(200, element.clientWidth), height: heightPixels }),
      );
      resized.observe(element);
      const endTheme = onThemeChange(() => created.redraw());
      end = () => {
        plot.current = null;
        resized.disconnect();
        endTheme();
        created.destroy();
      };
    };
    void loadUPlot().then(show);
    return () => {
      end?.();
      end = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(dataOf({ ...latest.current, x, series }));
  }, [x, series]);

  const at = index ?? x.length - 1;
  return (
    <figure className={styles.plot} aria-label={title}>
      <figcaption className={styles.caption}>
        <h3 className={styles.title}>{title}</h3>
        <span className={styles.legend}>
          {series.map(({ label, colour, dashed, values }) => {
            const value = values[at];
            return (
              <span key={label} className={styles.key}>
                <span
                  className={dashed ? styles.dash : styles.line}
                  style={{ borderTopColor: `var(${colour})` }}
                  aria-hidden
                />
                {label}
                {index !== null && value !== null && value !== undefined && <b>{formatY(value)}</b>}
              </span>
            );
          })}
          {index !== null && x[at] !== undefined && <span>{formatX(x[at])}</span>}
        </span>
      </figcaption>
      <div ref={host} className={styles.host} role="img" aria-label={`${title}: ${summary}`} />
      <details className={styles.details}>
        <summary>As a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
        <section className={styles.scroll} tabIndex={0} aria-label={`${title}, as a table`}>
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">{xLabel}</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col" className={table.num}>
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {x.map((value, row) => (
                <tr key={value}>
                  <th scope="row">{formatX(value)}</th>
                  {series.map(({ label, values }) => {
                    const cell = values[row];
                    return (
                      <td key={label} className={table.num}>
                        {cell === null || cell === undefined ? '–' : formatY(cell)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}
