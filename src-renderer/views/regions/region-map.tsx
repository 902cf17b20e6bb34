/** Owns the world map: coasts, arcs of copies in flight, and a pin with a label for every region. */
import { useEffect, useMemo, useRef, useState } from 'react';
import { classes } from '../../ui/classes.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import text from '../../ui/text.module.css';
import { type PlacedLabel, placeLabels, spreadPins } from './label-placement.ts';
import { MainStoreGlyph } from './main-store-glyph.tsx';
import { arcBetween, graticulePath, landPath, mapSize, project } from './map-projection.ts';
import styles from './region-map.module.css';
import type { RegionRow } from './regions-model.ts';

export interface RegionMapProps {
  readonly rows: readonly RegionRow[];
  readonly selectedId: string | null;
  readonly onSelect: (id: string) => void;
}

const hull = 'M-9 -3.4H11L4.2 3.4H-7Z';
const labelHeight = 28;
/** Mean width of a letter at 12 px; labels are short, so the mean is near enough to keep them apart. */
const letterWidth = 6.5;

/** The map. Pins act on click; the table beside it is the way for the keyboard. */
export function RegionMap({ rows, selectedId, onSelect }: RegionMapProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const land = useMemo(() => ({ coast: landPath(), grid: graticulePath() }), []);
  const scale = width / mapSize.width;
  const height = mapSize.height * scale;

  const points = spreadPins(
    rows.map(row => {
      const place = project(row.latitude, row.longitude);
      return { x: place.x * scale, y: place.y * scale };
    }),
  );
  const main = points[rows.findIndex(row => row.isMain)];
  const arcs = rows.flatMap((row, index) => {
    const to = points[index];
    return main && to && row.progress !== null ? [{ id: row.id, ...arcBetween(main, to, row.progress) }] : [];
  });
  const labels = placeLabels(
    rows.flatMap((row, index) => {
      const at = points[index];
      const letters = Math.max(row.name.length, row.word.length);
      return at ? [{ id: row.id, at, width: letters * letterWidth + 4, height: labelHeight }] : [];
    }),
    { width, height },
    arcs.flatMap(arc => arc.points),
  );

  return (
    <div ref={box} className={styles.map}>
      <svg viewBox={`0 0 ${mapSize.width} ${mapSize.height}`} aria-hidden>
        <path className={styles.grid} d={land.grid} />
        <path className={styles.land} d={land.coast} />
      </svg>
      {width > 0 && (
        <svg viewBox={`0 0 ${width} ${height}`} aria-hidden>
          {arcs.map(arc => (
            <g key={arc.id}>
              <path className={classes(styles.arc, styles.done)} d={arc.done} />
              <path className={classes(styles.arc, styles.ahead)} d={arc.ahead} />
              <g
                className={styles.hull}
                style={{ transform: `translate(${arc.head.x}px, ${arc.head.y}px) rotate(${arc.angle}deg)` }}
              >
                <path d={hull} />
              </g>
            </g>
          ))}
        </svg>
      )}
      {width > 0 &&
        rows.map((row, index) => {
          const at = points[index];
          const label = labels.find(one => one.id === row.id);
          if (!at || !label) return null;
          return (
            <Pin key={row.id} row={row} at={at} label={label} selected={row.id === selectedId} onSelect={onSelect} />
          );
        })}
    </div>
  );
}

interface PinProps {
  readonly row: RegionRow;
  readonly at: { readonly x: number; readonly y: number };
  readonly label: PlacedLabel;
  readonly selected: boolean;
  readonly onSelect: (id: string) => void;
}

function Pin({ row, at, label, selected, onSelect }: PinProps) {
  return (
    <button
      type="button"
      tabIndex={-1}
      className={classes(styles.pin, selected && styles.selected)}
      style={{ left: at.x, top: at.y }}
      onClick={() => onSelect(row.id)}
    >
      {row.isMain ? (
        <MainStoreGlyph size={18} />
      ) : (
        <StateGlyph state={row.look} size={18} progress={row.progress} label={null} className={styles.glyph} />
      )}
      <span
        className={classes(
          styles.label,
          label.side.startsWith('right') && styles.toRight,
          label.side.startsWith('left') && styles.toLeft,
        )}
        style={{
          left: label.box.left - at.x + 9,
          top: label.box.top - at.y + 9,
          width: label.box.right - label.box.left,
        }}
      >
        <span className={text.name}>{row.name}</span>{' '}
        <span className={row.isMain ? styles.quiet : text[row.look]}>{row.word}</span>
      </span>
    </button>
  );
}

function useWidth(box: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(entry.contentRect.width);
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
