/** Owns what is found in the lines that a terminal shows: places of a marked text, and addresses. */
import type { ILink, Terminal } from '@xterm/xterm';
import { findLinks, type LinkPlace } from './log-links.ts';
import { cellRuns, placesOf, readTerminalLine, type TerminalLine } from './log-terminal-line.ts';

/** What is marked in the lines that are in sight. */
export interface LogMark {
  readonly text: string;
  readonly matchCase: boolean;
}

export interface MarkedCells {
  readonly column: number;
  readonly columns: number;
}

/** Of each row in sight, the runs of cells that hold the marked text. */
export function marksInSight(terminal: Terminal, mark: LogMark | null): ReadonlyMap<number, readonly MarkedCells[]> {
  const marks = new Map<number, MarkedCells[]>();
  if (mark === null) return marks;
  const places = (text: string) => placesOf(text, mark.text, mark.matchCase);
  const { viewportY } = terminal.buffer.active;
  for (let row = viewportY; row < viewportY + terminal.rows; ) {
    const line = readTerminalLine(terminal.buffer.active, row, text => places(text).length > 0);
    for (const at of places(line.text)) {
      for (const run of cellRuns(line, at, at + mark.text.length)) {
        const known = marks.get(run.row);
        if (known) known.push(run);
        else marks.set(run.row, [run]);
      }
    }
    row = Math.max(row, line.lastRow) + 1;
  }
  return marks;
}

function linksOfLine(terminal: Terminal, row: number): { line: TerminalLine; places: readonly LinkPlace[] } {
  const line = readTerminalLine(terminal.buffer.active, row, text => text.includes('://'));
  return { line, places: findLinks(line.text) };
}

/** The addresses of the line that the row belongs to, for the terminal to underline; `onLink` is told of the one that a person chose. */
export function linksOfRow(terminal: Terminal, row: number, onLink: (url: string) => void): ILink[] {
  const { line, places } = linksOfLine(terminal, row);
  return places.flatMap(({ start, end, url }) => {
    const [first, last] = [line.places[start], line.places[end - 1]];
    if (!first || !last) return [];
    const range = { start: { x: first.column + 1, y: first.row + 1 }, end: { x: last.column + 1, y: last.row + 1 } };
    return [{ range, text: url, activate: () => onLink(url) }];
  });
}

/** The addresses in sight, each once. */
export function linksInSight(terminal: Terminal): readonly string[] {
  const { viewportY } = terminal.buffer.active;
  const rows = Array.from({ length: terminal.rows }, (_, index) => viewportY + index);
  return [...new Set(rows.flatMap(row => linksOfLine(terminal, row).places.map(place => place.url)))];
}
