/** Owns the end of a program's stderr, and the pulses in it: NUL bytes, which no text has. */

const limitBytes = 16 * 1024;

export interface OutputTail {
  /** Takes a chunk of the stream. */
  take(chunk: Buffer): void;
  onPulse(listener: () => void): void;
  /** The last output, at most 16 KiB, without pulses. */
  text(): string;
}

export function createOutputTail(): OutputTail {
  let tail = Buffer.alloc(0);
  const listeners: (() => void)[] = [];
  return {
    take(chunk) {
      const text = chunk.filter(byte => byte !== 0);
      if (text.length < chunk.length) for (const listener of listeners) listener();
      if (text.length === 0) return;
      tail = Buffer.concat([tail, text]);
      if (tail.length > limitBytes) tail = Buffer.from(tail.subarray(tail.length - limitBytes));
    },
    onPulse(listener) {
      listeners.push(listener);
    },
    text: () => tail.toString('utf8'),
  };
}
