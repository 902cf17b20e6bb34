/** Owns how many workers there should be. No I/O. */

/** A build tool and its worker rarely get by with less. */
const bytesPerWorker = 2 * 1024 ** 3;

export interface PoolSizeFacts {
  /** What a person chose, or `auto`. */
  readonly setting: 'auto' | number;
  /** That the machine may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Null where that cannot be known. */
  readonly onBattery: boolean | null;
  readonly batteryRule: 'fewer' | 'same' | 'none';
}

export interface PoolSize {
  readonly workers: number;
  /** Why so many: `2 of 3 cores`, `set by hand`, `on battery: half of 2`. */
  readonly reason: string;
}

/** One worker fewer than cores, so that the machine stays usable, and at most one for every 2 GiB; fewer on battery. A number set by hand holds. */
export function poolSize({ setting, cores, memoryBytes, onBattery, batteryRule }: PoolSizeFacts): PoolSize {
  if (setting !== 'auto') return { workers: setting, reason: 'set by hand' };
  const byCores = Math.max(1, cores - 1);
  const byMemory = Math.max(1, Math.floor(memoryBytes / bytesPerWorker));
  const plugged: PoolSize =
    byMemory < byCores
      ? { workers: byMemory, reason: `by memory, ${formatGibibytes(memoryBytes)} at 2 GiB each` }
      : { workers: byCores, reason: `by cores, ${byCores} of ${Math.max(1, cores)}` };
  if (onBattery !== true || batteryRule === 'same') return plugged;
  if (batteryRule === 'none') return { workers: 0, reason: 'none on battery' };
  return {
    workers: Math.max(1, Math.floor(plugged.workers / 2)),
    reason: `on battery, half of ${plugged.workers}`,
  };
}

function formatGibibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 3)} GiB`;
}
