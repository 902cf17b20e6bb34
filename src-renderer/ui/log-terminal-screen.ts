/** Owns one xterm screen that shows a log: written in order, never typed into, with a number for every line. Knows no React. */
import { FitAddon } from '@xterm/addon-fit';
import { type IMarker, Terminal } from '@xterm/xterm';
import { onThemeChange, readTerminalColours } from './log-terminal-colours.ts';
import { type LogMark, linksInSight, linksOfRow, marksInSight } from './log-terminal-finds.ts';

/** About as many lines as the loaded window of a log has; more would cost memory and show nothing. */
const scrollbackRows = 40_000;
/** A known row every so many lines: finding a line's row walks at most this many. */
const linesPerMarker = 1_000;
const fontSizePixels = 12;
/** 12 px of the shipped mono face are 16 px high; 20 px is the log's line height. */
const lineHeight = 1.25;

export interface ScreenRow {
  /** Index of the line among those written, from 0; null for a wrapped row's continuation and below the end. */
  readonly line: number | null;
  /** The line that the row belongs to, also where it is a continuation; null below the end. */
  readonly ofLine: number | null;
  /** Runs of cells that hold the marked text. */
  readonly marks: readonly { readonly column: number; readonly columns: number }[];
}

export interface ScreenState {
  readonly rows: readonly ScreenRow[];
  readonly rowHeight: number;
  readonly columnWidth: number;
  /** The newest line is in sight: new ones scroll it. */
  readonly atBottom: boolean;
  readonly atTop: boolean;
}

export interface ScreenHandlers {
  readonly onChange: (state: ScreenState) => void;
  /** A person chose an address in the log. */
  readonly onLink: (url: string) => void;
  /** A person scrolls on at the top, or asks for the log's beginning or end. */
  readonly onBeyond: (where: 'before' | 'start' | 'end') => void;
}

export class LogScreen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #host: HTMLElement;
  readonly #handlers: ScreenHandlers;
  readonly #endings: (() => void)[] = [];
  #markers: { line: number; marker: IMarker }[] = [];
  #linesWritten = 0;
  #queue: Promise<void> = Promise.resolve();
  #disposed = false;
  #mark: LogMark | null = null;

  constructor(host: HTMLElement, label: string, handlers: ScreenHandlers) {
    this.#host = host;
    this.#handlers = handlers;
    this.#terminal = new Terminal({
      allowTransparency: true,
      convertEol: true,
      cursorInactiveStyle: 'none',
      disableStdin: true,
      fontFamily: getComputedStyle(host).fontFamily,
      fontSize: fontSizePixels,
      lineHeight,
      // Hyperlinks, whose words hide where they lead, are removed from the text; should one pass, it does nothing.
      linkHandler: { activate: () => undefined },
      logLevel: 'off',
      minimumContrastRatio: 4.5,
      screenReaderMode: true,
      scrollback: scrollbackRows,
      theme: readTerminalColours(host),
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.attachCustomKeyEventHandler(event => this.#onKey(event));
    this.#terminal.open(host);
    this.#terminal.textarea?.setAttribute('aria-label', label);
    this.#terminal.textarea?.setAttribute('aria-readonly', 'true');
    this.#terminal.onRender(() => this.#report());
    this.#terminal.registerLinkProvider({
      provideLinks: (row, answer) => answer(linksOfRow(this.#terminal, row - 1, handlers.onLink)),
    });
    const scrolls = (event: WheelEvent) => {
      if (event.deltaY < 0 && this.#atTop) handlers.onBeyond('before');
    };
    host.addEventListener('wheel', scrolls, { passive: true });
    this.#endings.push(() => host.removeEventListener('wheel', scrolls));
    this.#resize();
    const resized = new ResizeObserver(() => this.#resize());
    resized.observe(host);
    this.#endings.push(
      () => resized.disconnect(),
      onThemeChange(() => {
        this.#terminal.options.theme = readTerminalColours(host);
      }),
    );
    // Measured with the fallback face, cells would keep its width after the real one has come.
    void document.fonts.ready.then(() => {
      if (this.#disposed) return;
      this.#terminal.options.fontFamily = `${getComputedStyle(host).fontFamily}, monospace`;
      this.#resize();
    });
  }

  /** Ends the screen; may be called twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const end of this.#endings) end();
    this.#terminal.dispose();
  }

  /** Marks a text wherever it is in sight, or none. */
  mark(mark: LogMark | null): void {
    this.#mark = mark?.text ? mark : null;
    this.#report();
  }

  /** The addresses in sight, each once. */
  links(): readonly string[] {
    return linksInSight(this.#terminal);
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Adds text at the end. Sanitised text only. */
  append(text: string): Promise<void> {
    return this.#enqueue(() => this.#write(text));
  }

  /** Shows this text instead. Sanitised text only. */
  replace(text: string): Promise<void> {
    return this.#enqueue(async () => {
      this.#terminal.reset();
      this.#markers = [];
      this.#linesWritten = 0;
      await this.#feed('\u001b[?25l');
      await this.#write(text);
    });
  }

  /** Scrolls so that the line (index among those written) is `rowsAbove` rows below the top. */
  showLine(line: number, rowsAbove = 4): Promise<void> {
    return this.#enqueue(async () => {
      const row = this.#rowOf(line);
      if (row !== null) this.#terminal.scrollToLine(Math.max(0, row - rowsAbove));
      this.#report();
    });
  }

  showEnd(): Promise<void> {
    return this.#enqueue(async () => this.#terminal.scrollToBottom());
  }

  /** Lets go of the end: new lines no longer scroll the screen. */
  holdStill(): void {
    this.#terminal.scrollLines(-1);
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(() => (this.#disposed ? undefined : work()));
    return this.#queue;
  }

  #feed(text: string): Promise<void> {
    return new Promise(resolve => {
      if (this.#disposed) resolve();
      else this.#terminal.write(text, resolve);
    });
  }

  /** Written in runs of lines with a marker before each, so that a line is found again after wrapping and trimming. */
  async #write(text: string): Promise<void> {
    for (let at = 0; at < text.length; ) {
      const next = endOfRun(text, at);
      this.#remember();
      await this.#feed(text.slice(at, next.end));
      this.#linesWritten += next.lines;
      at = next.end;
    }
    this.#report();
  }

  #remember(): void {
    const last = this.#markers.at(-1);
    if (last && this.#linesWritten - last.line < linesPerMarker / 2) return;
    const { cursorX } = this.#terminal.buffer.active;
    if (cursorX !== 0) return;
    const marker = this.#terminal.registerMarker(0);
    if (marker) this.#markers.push({ line: this.#linesWritten, marker });
    if (this.#markers.length > 1_024) this.#markers = this.#markers.filter(known => !known.marker.isDisposed);
  }

  #rowOf(line: number): number | null {
    const known = this.#markers.findLast(({ line: from, marker }) => from <= line && !marker.isDisposed);
    if (!known) return null;
    const buffer = this.#terminal.buffer.active;
    let row = known.marker.line;
    for (let current = known.line; current < line && row < buffer.length; ) {
      row++;
      if (!buffer.getLine(row)?.isWrapped) current++;
    }
    return row;
  }

  #lineAtRow(row: number): number | null {
    const buffer = this.#terminal.buffer.active;
    const before = this.#markers.findLast(({ marker }) => !marker.isDisposed && marker.line <= row);
    if (before) {
      let line = before.line;
      for (let at = before.marker.line + 1; at <= row; at++) if (!buffer.getLine(at)?.isWrapped) line++;
      return line;
    }
    const after = this.#markers.find(({ marker }) => !marker.isDisposed && marker.line > row);
    if (!after) return null;
    let line = after.line;
    for (let at = after.marker.line; at > row; at--) if (!buffer.getLine(at)?.isWrapped) line--;
    return line;
  }

  #report(): void {
    if (this.#disposed) return;
    const buffer = this.#terminal.buffer.active;
    const top = buffer.viewportY;
    const rows: ScreenRow[] = [];
    const marks = marksInSight(this.#terminal, this.#mark);
    let line = this.#lineAtRow(top);
    for (let index = 0; index < this.#terminal.rows; index++) {
      const wrapped = buffer.getLine(top + index)?.isWrapped ?? false;
      if (index > 0 && !wrapped && line !== null) line++;
      const ofLine = line === null || line >= this.#linesWritten ? null : line;
      rows.push({ line: wrapped ? null : ofLine, ofLine, marks: marks.get(top + index) ?? [] });
    }
    const screen = this.#host.querySelector<HTMLElement>('.xterm-screen');
    const rowHeight = (screen?.offsetHeight ?? 0) / Math.max(1, this.#terminal.rows);
    const columnWidth = (screen?.offsetWidth ?? 0) / Math.max(1, this.#terminal.cols);
    this.#handlers.onChange({ rows, rowHeight, columnWidth, atBottom: top >= buffer.baseY, atTop: top === 0 });
  }

  get #atTop(): boolean {
    return this.#terminal.buffer.active.viewportY === 0;
  }

  #resize(): void {
    if (this.#disposed || this.#host.clientHeight === 0) return;
    this.#fit.fit();
    this.#report();
  }

  /** Only scrolling keys act; everything else, Tab above all, stays with the page. */
  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || event.ctrlKey || event.metaKey || event.altKey) return false;
    const page = this.#terminal.rows - 1;
    const moves: Record<string, () => void> = {
      ArrowUp: () => this.#terminal.scrollLines(-1),
      ArrowDown: () => this.#terminal.scrollLines(1),
      PageUp: () => this.#terminal.scrollLines(-page),
      PageDown: () => this.#terminal.scrollLines(page),
      Home: () => this.#terminal.scrollToTop(),
      End: () => this.#terminal.scrollToBottom(),
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      if (this.#atTop && (event.key === 'ArrowUp' || event.key === 'PageUp')) this.#handlers.onBeyond('before');
      move();
      if (event.key === 'Home') this.#handlers.onBeyond('start');
      if (event.key === 'End') this.#handlers.onBeyond('end');
    }
    return false;
  }
}

function endOfRun(text: string, from: number): { end: number; lines: number } {
  let end = from;
  for (let lines = 0; lines < linesPerMarker; lines++) {
    const at = text.indexOf('\n', end);
    if (at < 0) return { end: text.length, lines };
    end = at + 1;
  }
  return { end, lines: linesPerMarker };
}
