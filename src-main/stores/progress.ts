/** Owns how often an upload tells how far it is. */

/** Rarely enough for a database row, often enough for a moving bar. */
export const reportIntervalMs = 250;

/** Calls `report` at most four times a second. */
export function throttledReport(report: ((bytesDone: number) => void) | undefined): (bytesDone: number) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return bytesDone => {
    const nowMs = performance.now();
    if (report === undefined || nowMs - lastMs < reportIntervalMs) return;
    lastMs = nowMs;
    report(bytesDone);
  };
}
