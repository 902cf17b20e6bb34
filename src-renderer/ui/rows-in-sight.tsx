/** Owns drawing a long table by the rows in sight. A short one is drawn whole, so that all of it is found and printed. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ComponentType, type RefObject, useLayoutEffect, useRef, useState } from 'react';
import styles from './rows-in-sight.module.css';

/** Tables up to this length cost less whole than the reader's search in the page is worth. */
const drawnWhole = 60;
/** Rows beyond the edges: more than a wheel passes in one frame. */
const overscan = 10;
const unmeasured = () => undefined;

interface RowsInSight {
  /** For the `tbody`, which lies somewhere in the scrolled `main`. */
  readonly body: RefObject<HTMLTableSectionElement | null>;
  /** The rows to draw, in order. */
  readonly indexes: readonly number[];
  /** Pixels that stand for the rows before and after them. */
  readonly before: number;
  readonly after: number;
  /** For each row, with `data-index`: its true height, where that is not the usual. */
  readonly measure: (row: Element | null) => void;
}

/** Which of `count` rows of a table that scrolls with the view are in sight; `rowHeight` in pixels is the usual one. */
function useRowsInSight(count: number, rowHeight: number): RowsInSight {
  const body = useRef<HTMLTableSectionElement>(null);
  const [margin, setMargin] = useState(0);
  const isWhole = count <= drawnWhole;
  useLayoutEffect(() => {
    const scroll = body.current?.closest('main');
    if (isWhole || !body.current || !scroll) return;
    setMargin(body.current.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop);
  }, [isWhole]);
  const rows = useVirtualizer({
    count,
    enabled: !isWhole,
    getScrollElement: () => body.current?.closest('main') ?? null,
    estimateSize: () => rowHeight,
    overscan,
    scrollMargin: margin,
    // The first drawing knows no size yet: it fills the window at most.
    initialRect: { width: 0, height: globalThis.innerHeight },
  });
  if (isWhole) {
    const indexes = Array.from({ length: count }, (_, index) => index);
    return { body, indexes, before: 0, after: 0, measure: unmeasured };
  }
  const drawn = rows.getVirtualItems();
  const first = drawn[0]?.start ?? margin;
  const last = drawn.at(-1)?.end ?? margin;
  return {
    body,
    indexes: drawn.map(item => item.index),
    before: first - margin,
    after: rows.getTotalSize() - (last - margin),
    measure: rows.measureElement,
  };
}

/** Space in a table for rows that are not drawn. */
export function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  if (height <= 0) return null;
  return (
    <tr className={styles.spacer} aria-hidden>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

export interface RowInSightProps<Row> {
  readonly row: Row;
  /** Its place, from 0: goes into `data-index`. */
  readonly index: number;
  /** For the `tr`: its true height, where that is not the usual. */
  readonly measure: (row: Element | null) => void;
}

export interface BodyInSightProps<Row> {
  readonly rows: readonly Row[];
  /** The usual one, in pixels. */
  readonly rowHeight: number;
  readonly columns: number;
  /** Draws one row; memoized, since each step of a scroll draws the body. */
  readonly Row: ComponentType<RowInSightProps<Row>>;
}

/** The body of a table that scrolls with the view: the rows in sight, and space for the others. */
export function BodyInSight<Row extends { readonly id: string }>(props: BodyInSightProps<Row>) {
  const { rows, rowHeight, columns, Row } = props;
  const sight = useRowsInSight(rows.length, rowHeight);
  return (
    <tbody ref={sight.body}>
      <Spacer height={sight.before} columns={columns} />
      {sight.indexes.map(index => {
        const row = rows[index];
        return row && <Row key={row.id} row={row} index={index} measure={sight.measure} />;
      })}
      <Spacer height={sight.after} columns={columns} />
    </tbody>
  );
}
