/** Owns how long a pause until tomorrow is, the same in tray and interface. */

/** Minutes from now to the next local midnight, at least one. */
export function minutesUntilTomorrow(nowMs: number): number {
  const midnight = new Date(nowMs);
  midnight.setHours(24, 0, 0, 0);
  return Math.max(1, Math.ceil((midnight.getTime() - nowMs) / 60_000));
}
