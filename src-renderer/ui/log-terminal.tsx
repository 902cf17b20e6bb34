/** Owns the log terminal as a component: xterm with line numbers and marks, fed through a handle. */
import '@xterm/xterm/css/xterm.css';
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { classes } from './classes.ts';
import { formatCount } from './format.ts';
import styles from './log-terminal.module.css';
import { LogScreen, type ScreenState } from './log-terminal-screen.ts';

export interface LogTerminalHandle {
  /** Adds sanitised text at the end. */
  append(text: string): Promise<void>;
  /** Shows sanitised text instead of what is there. */
  replace(text: string): Promise<void>;
  /** Scrolls to a line: its index among those written. */
  showLine(line: number, rowsAbove?: number): Promise<void>;
  showEnd(): Promise<void>;
  holdStill(): void;
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
  readonly onView: (view: LogTerminalView) => void;
  readonly ref: Ref<LogTerminalHandle>;
}

/** A read-only terminal. It takes the size of its container, which must have a height. */
export function LogTerminal({ label, firstLineNumber, errorLine, onView, ref }: LogTerminalProps) {
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<LogScreen | null>(null);
  const [state, setState] = useState<ScreenState | null>(null);
  const report = useRef(onView);
  report.current = onView;

  useEffect(() => {
    if (!host.current) return;
    const created = new LogScreen(host.current, label, next => {
      setState(previous => (previous && sameState(previous, next) ? previous : next));
    });
    screen.current = created;
    return () => {
      screen.current = null;
      created.dispose();
    };
  }, [label]);

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
            className={classes(styles.row, row.line !== null && row.line === errorLine && styles.error)}
            style={{ height: state.rowHeight }}
          >
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
    a.rows.length === b.rows.length &&
    a.rows.every((row, index) => row.line === b.rows[index]?.line)
  );
}
