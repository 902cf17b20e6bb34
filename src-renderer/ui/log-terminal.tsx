/** Owns the log terminal as a component: xterm with line numbers and marks, fed through a handle. */
import '@xterm/xterm/css/xterm.css';
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { classes } from './classes.ts';
import { formatCount } from './format.ts';
import styles from './log-terminal.module.css';
import type { LogMark } from './log-terminal-finds.ts';
import { LogScreen, type ScreenHandlers, type ScreenState } from './log-terminal-screen.ts';

export interface LogTerminalHandle {
  /** Adds sanitised text at the end. */
  append(text: string): Promise<void>;
  /** Shows sanitised text instead of what is there. */
  replace(text: string): Promise<void>;
  /** Scrolls to a line: its index among those written. */
  showLine(line: number, rowsAbove?: number): Promise<void>;
  showEnd(): Promise<void>;
  holdStill(): void;
  /** The addresses in sight. */
  links(): readonly string[];
  readonly selection: string;
}

export interface LogTerminalView {
  readonly atBottom: boolean;
  readonly atTop: boolean;
  /** First and last line in sight: indexes among those written. */
  readonly firstLine: number | null;
  readonly lastLine: number | null;
}

export interface LogTerminalProps {
  /** What a screen reader calls it. */
  readonly label: string;
  /** Number of the first written line; null shows no numbers. */
  readonly firstLineNumber: number | null;
  /** The line to mark as the first error: its index among those written. */
  readonly errorLine: number | null;
  /** The line that a search has come to: its index among those written. */
  readonly foundLine: number | null;
  /** What is marked wherever it is in sight. */
  readonly mark: LogMark | null;
  readonly onView: (view: LogTerminalView) => void;
  readonly onLink: ScreenHandlers['onLink'];
  readonly onBeyond: ScreenHandlers['onBeyond'];
  readonly ref: Ref<LogTerminalHandle>;
}

/** Where the text begins: right of the line numbers, as in the style sheet. */
const gutterPixels = 68;

/** A read-only terminal. It takes the size of its container, which must have a height. */
export function LogTerminal(props: LogTerminalProps) {
  const { label, firstLineNumber, errorLine, foundLine, mark, onView, ref } = props;
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<LogScreen | null>(null);
  const [state, setState] = useState<ScreenState | null>(null);
  const report = useRef(onView);
  report.current = onView;
  const asked = useRef(props);
  asked.current = props;

  useEffect(() => {
    if (!host.current) return;
    const created = new LogScreen(host.current, label, {
      onChange: next => setState(previous => (previous && sameState(previous, next) ? previous : next)),
      onLink: url => asked.current.onLink(url),
      onBeyond: where => asked.current.onBeyond(where),
    });
    screen.current = created;
    created.mark(asked.current.mark);
    return () => {
      screen.current = null;
      created.dispose();
    };
  }, [label]);

  useEffect(() => screen.current?.mark(mark), [mark]);

  useEffect(() => {
    if (!state) return;
    const lines = state.rows.map(row => row.line).filter(line => line !== null);
    report.current({
      atBottom: state.atBottom,
      atTop: state.atTop,
      firstLine: lines[0] ?? null,
      lastLine: lines.at(-1) ?? null,
    });
  }, [state]);

  useImperativeHandle(
    ref,
    () => ({
      append: async text => screen.current?.append(text),
      replace: async text => screen.current?.replace(text),
      showLine: async (line, rowsAbove) => screen.current?.showLine(line, rowsAbove),
      showEnd: async () => screen.current?.showEnd(),
      holdStill: () => screen.current?.holdStill(),
      links: () => screen.current?.links() ?? [],
      get selection() {
        return screen.current?.selection ?? '';
      },
    }),
    [],
  );

  return (
    <div className={styles.log} data-log>
      <div className={styles.rows} aria-hidden>
        {state?.rows.map((row, index) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is a place on the screen and has no other identity
            key={index}
            className={classes(
              styles.row,
              row.line !== null && row.line === errorLine && styles.error,
              row.ofLine !== null && row.ofLine === foundLine && styles.found,
            )}
            style={{ height: state.rowHeight }}
          >
            {row.marks.map(({ column, columns }) => (
              <span
                key={column}
                className={styles.mark}
                style={{ left: gutterPixels + column * state.columnWidth, width: columns * state.columnWidth }}
              />
            ))}
            <span className={styles.number}>
              {row.line !== null && firstLineNumber !== null && formatCount(firstLineNumber + row.line)}
            </span>
            {row.line !== null && row.line === errorLine && <span className={styles.note}>first error</span>}
          </div>
        ))}
      </div>
      <div ref={host} className={styles.host} />
    </div>
  );
}

function sameState(a: ScreenState, b: ScreenState): boolean {
  return (
    a.atBottom === b.atBottom &&
    a.atTop === b.atTop &&
    a.rowHeight === b.rowHeight &&
    a.columnWidth === b.columnWidth &&
    a.rows.length === b.rows.length &&
    a.rows.every((row, index) => {
      const other = b.rows[index];
      return row.line === other?.line && row.ofLine === other.ofLine && sameMarks(row.marks, other.marks);
    })
  );
}

type Marks = ScreenState['rows'][number]['marks'];

function sameMarks(a: Marks, b: Marks): boolean {
  return (
    a.length === b.length &&
    a.every((mark, index) => mark.column === b[index]?.column && mark.columns === b[index].columns)
  );
}
