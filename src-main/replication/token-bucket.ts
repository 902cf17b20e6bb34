/** Owns the bandwidth of one region: what may be sent when, however many copies share it. */
import { setTimeout as delay } from 'node:timers/promises';

export interface TokenBucket {
  /** Bytes per second from now on; null for no limit. */
  setRate(bytesPerSecond: number | null): void;
  /** Resolves when `bytes` more may be sent. Rejects with the signal's reason. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** A leaky bucket without a burst: each taker waits for the ones before it. */
export function createTokenBucket(): TokenBucket {
  let rate: number | null = null;
  /** When all that was taken has been sent, by the monotonic clock. */
  let freeAtMs = 0;
  return {
    setRate(bytesPerSecond) {
      // What was promised under a slower rate would hold up the faster one.
      if (bytesPerSecond !== rate) freeAtMs = 0;
      rate = bytesPerSecond;
    },
    async take(bytes, signal) {
      signal.throwIfAborted();
      if (rate === null) return;
      const nowMs = performance.now();
      const startMs = Math.max(nowMs, freeAtMs);
      freeAtMs = startMs + (bytes / rate) * 1_000;
      if (startMs > nowMs) await delay(startMs - nowMs, undefined, { signal });
    },
  };
}
