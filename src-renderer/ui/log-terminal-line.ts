/** Owns reading a line back from the terminal's cells: its text over all the rows that it wraps into, and where each letter stands. */
import type { IBuffer } from '@xterm/xterm';

/** A line that wraps into more rows than this is read in parts: what is looked for in it is short. */
const mostRows = 40;

export interface CellPlace {
  readonly row: number;
  /** From 0. */
  readonly column: number;
  /** Columns: 2 for wide characters. */
  readonly width: number;
}

export interface TerminalLine {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly text: string;
  /** The cell of each UTF-16 unit of `text`. */
  readonly places: readonly CellPlace[];
}

/** The rows that belong to the line of `row`: first and last. */
function rowsOf(buffer: IBuffer, row: number): { first: number; last: number } {
  let first = row;
  while (first > 0 && row - first < mostRows && buffer.getLine(first)?.isWrapped) first -= 1;
  let last = row;
  while (last - row < mostRows && buffer.getLine(last + 1)?.isWrapped) last += 1;
  return { first, last };
}

/** The line that the row belongs to; its cells are read only where `wanted` accepts its text. */
export function readTerminalLine(
  buffer: IBuffer,
  row: number,
  wanted: (text: string) => boolean = () => true,
): TerminalLine {
  const { first, last } = rowsOf(buffer, row);
  let plain = '';
  for (let at = first; at <= last; at += 1) plain += buffer.getLine(at)?.translateToString(at === last) ?? '';
  if (!wanted(plain)) return { firstRow: first, lastRow: last, text: '', places: [] };
  let text = '';
  const places: CellPlace[] = [];
  let cell = buffer.getNullCell();
  for (let at = first; at <= last; at += 1) {
    const line = buffer.getLine(at);
    for (let column = 0; line && column < line.length; column += 1) {
      cell = line.getCell(column, cell) ?? cell;
      const width = cell.getWidth();
      // The second half of a wide character.
      if (width === 0) continue;
      const chars = cell.getChars() || ' ';
      text += chars;
      for (let unit = 0; unit < chars.length; unit += 1) places.push({ row: at, column, width });
    }
  }
  return { firstRow: first, lastRow: last, text, places };
}

/** A run of cells in one row. */
export interface CellRun {
  readonly row: number;
  readonly column: number;
  readonly columns: number;
}

/** The cells of `text.slice(start, end)`: a run for each row that it reaches. */
export function cellRuns(line: TerminalLine, start: number, end: number): readonly CellRun[] {
  const runs: CellRun[] = [];
  for (const place of line.places.slice(start, end)) {
    const last = runs.at(-1);
    if (last?.row === place.row) runs[runs.length - 1] = { ...last, columns: place.column + place.width - last.column };
    else runs.push({ row: place.row, column: place.column, columns: place.width });
  }
  return runs;
}

/** Each place of `text` that holds `wanted`: where it begins. */
export function placesOf(text: string, wanted: string, matchCase: boolean): readonly number[] {
  const where = matchCase ? text : text.toLowerCase();
  const what = matchCase ? wanted : wanted.toLowerCase();
  const found: number[] = [];
  if (what === '') return found;
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + what.length)) found.push(at);
  return found;
}
