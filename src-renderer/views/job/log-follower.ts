/** Owns how a log's window reaches a screen: follows the end, lets go of it where a person looks elsewhere, finds the first error. */
import type { FirstError } from '../../../src-main/contract/first-error.ts';
import type { StepView } from '../../../src-main/contract/views/job.ts';
import { failedStepOffset } from './job-model.ts';
import { firstErrorLine, lineOfError, plainText } from './log-text.ts';
import type { LogWindow } from './log-window.ts';

/** What shows the log. Lines are counted from the last `replace`. */
export interface LogSink {
  append(text: string): Promise<void>;
  replace(text: string): Promise<void>;
  showLine(line: number, rowsAbove?: number): Promise<void>;
  showEnd(): Promise<void>;
}

export interface LogFacts {
  /** Number of the sink's first line, from 1; null before anything is loaded. */
  readonly firstLineNumber: number | null;
  /** Lines of the sink. */
  readonly lineCount: number;
  readonly loadedFrom: number;
  readonly loadedTo: number;
  readonly totalBytes: number;
  /** The sink's line of the first error: as the engine found it, else what reads like one in the failed step, or in the log while none has failed. */
  readonly errorLine: number | null;
  readonly complete: boolean;
  /** The window has let go of the log's end. */
  readonly detached: boolean;
}

export const noLogFacts: LogFacts = {
  firstLineNumber: null,
  lineCount: 0,
  loadedFrom: 0,
  loadedTo: 0,
  totalBytes: 0,
  errorLine: null,
  complete: false,
  detached: false,
};

/** Rows of context above a line that was jumped to. */
const contextRows = 6;

export class LogFollower {
  readonly #window: LogWindow;
  readonly #sink: LogSink;
  readonly #steps: () => readonly StepView[];
  readonly #onFacts: (facts: LogFacts) => void;
  readonly #firstError: () => FirstError | null;
  #opened = false;
  #detached = false;
  #errorLine: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** `firstError`: what the engine says of the attempt; null while it has not failed, and for failures that name no line. */
  constructor(
    window: LogWindow,
    sink: LogSink,
    steps: () => readonly StepView[],
    onFacts: (facts: LogFacts) => void,
    firstError: () => FirstError | null = () => null,
  ) {
    this.#window = window;
    this.#sink = sink;
    this.#steps = steps;
    this.#onFacts = onFacts;
    this.#firstError = firstError;
  }

  /** Reads what is new. A failed read passes its error on; nothing is lost and it may be called again. */
  follow(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#detached) return;
      if (!this.#opened) await this.#openAtEnd();
      else await this.#readToEnd();
      this.#publish();
    });
  }

  /** Loads what lies before the window and keeps the line that was first in its place. */
  loadEarlier(): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#window.startOffset;
      if ((await this.#window.readBefore()).kind !== 'replaced') return;
      await this.#rewrite();
      const line = this.#window.lineAtOffset(before);
      if (line !== null) await this.#sink.showLine(line, 0);
    });
  }

  /** Loads the next part of a window that has let go of the end; takes the end up again when it gets there. */
  loadLater(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#detached) return;
      await this.#readOnce();
      this.#detached = this.#window.more;
      this.#publish();
    });
  }

  /** Shows the line at which a step begins. */
  goToStep(logOffset: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#goTo(logOffset);
      const line = this.#window.lineAtOffset(logOffset);
      if (line === null) await this.#sink.showEnd();
      else await this.#sink.showLine(this.#window.droppedLines + line, 0);
    });
  }

  /** Shows a line by its number and place, with what leads to it above. */
  goToLine(number: number, logOffset: number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#window.indexOfLine(number) === null) await this.#loadAround(logOffset);
      const line = this.#window.indexOfLine(number);
      if (line !== null) await this.#sink.showLine(this.#window.droppedLines + line, contextRows);
    });
  }

  /** Shows what lies at a share of the log: 0 its beginning, 1 its end. */
  async goToShare(share: number): Promise<void> {
    if (share >= 1) return this.goToEnd();
    return this.#inTurn(async () => {
      const offset = Math.floor(Math.max(0, share) * this.#window.totalBytes);
      await this.#goTo(offset);
      const line = this.#window.lineAtOffset(offset);
      if (line !== null) await this.#sink.showLine(this.#window.droppedLines + line, 0);
    });
  }

  /** Shows the first error, else the start of the failed step. */
  goToFirstError(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#goToError();
    });
  }

  /** Takes up the end of the log again. */
  goToEnd(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#detached) {
        this.#window.reset();
        await this.#openAtEnd(false);
        this.#publish();
      }
      await this.#sink.showEnd();
    });
  }

  /** Looks for the first error again: which step failed is known later than its text. */
  stepsChanged(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#opened) return;
      this.#findError();
      this.#publish();
    });
  }

  /** The sink's line that holds a byte of the log; null where it is not loaded. */
  lineOfOffset(logOffset: number): number | null {
    const line = this.#window.lineAtOffset(logOffset);
    return line === null ? null : this.#window.droppedLines + line;
  }

  /** The sink's line with this number in the log; null where it is not loaded. */
  lineOfNumber(number: number): number | null {
    const line = this.#window.indexOfLine(number);
    return line === null ? null : this.#window.droppedLines + line;
  }

  /** The loaded text without colours. */
  loadedText(): string {
    return this.#window.lines().join('\n');
  }

  async #openAtEnd(atFailure = true): Promise<void> {
    do if ((await this.#window.readOn()).kind === 'none') break;
    while (this.#window.more);
    this.#opened = true;
    await this.#rewrite();
    this.#detached = false;
    if (atFailure && (this.#firstError() ?? failedStepOffset(this.#steps())) !== null) await this.#goToError();
  }

  async #readToEnd(): Promise<void> {
    do if (!(await this.#readOnce())) break;
    while (this.#window.more);
  }

  /** False where nothing was new. */
  async #readOnce(): Promise<boolean> {
    const change = await this.#window.readOn();
    if (change.kind !== 'appended') return false;
    if (this.#errorLine === null && failedStepOffset(this.#steps()) === null) this.#scanNewest(change.text);
    await this.#sink.append(change.text);
    return true;
  }

  async #goTo(offset: number): Promise<void> {
    if ((await this.#window.goTo(offset)).kind === 'replaced') await this.#rewrite();
  }

  /** Moves the window to a place, with what leads to it. */
  async #loadAround(offset: number): Promise<void> {
    await this.#window.goTo(offset);
    await this.#window.readBefore();
    await this.#rewrite();
  }

  async #goToError(): Promise<void> {
    const known = this.#firstError();
    const failedAt = failedStepOffset(this.#steps());
    if (known !== null && this.#window.lineAtOffset(known.logOffset) === null) {
      await this.#loadAround(known.logOffset);
    } else if (known === null && failedAt !== null) await this.#goTo(failedAt);
    await this.#showError();
  }

  async #rewrite(): Promise<void> {
    this.#detached = this.#window.more;
    this.#findError();
    this.#publish();
    await this.#sink.replace(this.#window.text());
  }

  async #showError(): Promise<void> {
    const failedAt = failedStepOffset(this.#steps());
    const start = failedAt === null ? null : this.#window.lineAtOffset(failedAt);
    if (this.#errorLine !== null) await this.#sink.showLine(this.#errorLine, contextRows);
    else if (start !== null) await this.#sink.showLine(this.#window.droppedLines + start, 0);
  }

  #findError(): void {
    const known = this.#firstError();
    if (known !== null) {
      const near = this.#window.lineAtOffset(known.logOffset);
      this.#errorLine =
        near === null ? null : this.#window.droppedLines + lineOfError(this.#window.lines(), near, known.line);
      return;
    }
    const failedAt = failedStepOffset(this.#steps());
    const start = failedAt === null ? 0 : this.#window.lineAtOffset(failedAt);
    // Words that look like errors in a step that passed are not what a person is looking for.
    const found = start === null ? null : firstErrorLine(this.#window.lines(), start);
    this.#errorLine = found === null ? null : this.#window.droppedLines + found;
  }

  #scanNewest(text: string): void {
    const lines = plainText(text).split('\n');
    const found = firstErrorLine(lines);
    if (found === null) return;
    const before = this.#window.lineCount - (lines.length - 1);
    this.#errorLine = this.#window.droppedLines + before + found;
  }

  #publish(): void {
    const log = this.#window;
    this.#onFacts({
      firstLineNumber: log.firstLineNumber - log.droppedLines,
      lineCount: log.droppedLines + log.lineCount,
      loadedFrom: log.startOffset,
      loadedTo: log.endOffset,
      totalBytes: log.totalBytes,
      errorLine: this.#errorLine,
      complete: log.complete,
      detached: this.#detached,
    });
  }

  /** One change at a time: what the end brings and where a person jumps must not interleave. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.#turn.then(work, work);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}
