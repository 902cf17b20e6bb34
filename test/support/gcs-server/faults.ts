/** Owns what a test makes go wrong at the server: which requests, how often, and how. */
import type { IncomingMessage } from 'node:http';
import { GoogleError } from './google-error.ts';

/** What a request is, in the words of the API. */
export type Operation =
  | 'get'
  | 'media'
  | 'list'
  | 'delete'
  | 'upload'
  | 'session'
  | 'status'
  | 'part'
  | 'rewrite'
  | 'permissions'
  | 'token';

export type Fault = {
  readonly on: Operation;
  /** Requests that are spared before, and how many are hit; one where left out. */
  readonly after?: number;
  readonly times?: number;
} & (
  | { readonly kind: 'answer'; readonly error: GoogleError }
  /** The connection is cut when so many bytes of the request's body have come. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The server has done what was asked and the answer is lost. */
  | { readonly kind: 'lose-answer' }
  /** Media: that many bytes of the promised length, then the end of the connection. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Media: one bit of the content is another one. An upload: the server's own checksum is of other bytes. */
  | { readonly kind: 'corrupt' }
);

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** The fault that hits this request, if any; throws an answer's error at once. */
  take(operation: Operation): Fault | null;
}

export function createFaults(): Faults {
  let faults: { fault: Fault; spared: number; left: number }[] = [];
  return {
    add: fault => void faults.push({ fault, spared: fault.after ?? 0, left: fault.times ?? 1 }),
    clear() {
      faults = [];
    },
    take(operation) {
      const hit = faults.find(({ fault, left }) => fault.on === operation && left > 0);
      if (!hit) return null;
      if (hit.spared > 0) {
        hit.spared -= 1;
        return null;
      }
      hit.left -= 1;
      if (hit.fault.kind === 'answer') throw hit.fault.error;
      return hit.fault;
    },
  };
}

export const tooManyRequests = (retryAfterSeconds: number) =>
  new GoogleError(
    429,
    'rateLimitExceeded',
    'The object exceeded the rate limit for object mutation operations (create, update, and delete). Please reduce your request rate.',
    { 'retry-after': String(retryAfterSeconds) },
  );
export const unavailable = (retryAfterSeconds: number) =>
  new GoogleError(503, 'backendError', 'We encountered an internal error. Please try again.', {
    'retry-after': String(retryAfterSeconds),
  });

/** The body of a request, counted; cut where a fault says so. */
export async function* bodyOf(
  request: IncomingMessage,
  fault: Fault | null,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  let seen = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    const isCut = fault?.kind === 'cut' && seen + bytes.length >= fault.afterBytes;
    const part = isCut ? bytes.subarray(0, fault.afterBytes - seen) : bytes;
    seen += part.length;
    onBytes(part.length);
    yield part;
    if (isCut) {
      request.socket.destroy();
      return;
    }
  }
}
