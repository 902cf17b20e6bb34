/** Owns when progress over a tree is reported: often enough to be seen moving, seldom enough to cost nothing. */

export interface TreeProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

const reportEveryBytes = 1024 * 1024;

/** Counts bytes of a tree and reports them about once for every MiB, and at the end. */
export class ProgressMeter {
  readonly #bytesTotal: number;
  readonly #report: ((progress: TreeProgress) => void) | undefined;
  #bytesDone = 0;
  #bytesReported = 0;

  constructor(bytesTotal: number, report: ((progress: TreeProgress) => void) | undefined) {
    this.#bytesTotal = bytesTotal;
    this.#report = report;
  }

  advance(bytes: number): void {
    this.#bytesDone += bytes;
    if (this.#bytesDone - this.#bytesReported < reportEveryBytes) return;
    this.#bytesReported = this.#bytesDone;
    this.finish();
  }

  finish(): void {
    this.#report?.({ bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal });
  }
}
