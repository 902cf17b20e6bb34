/** Owns waiting for a fact that another process or task brings about: looked at often, up to a limit. */
import { setTimeout as delay } from 'node:timers/promises';

const lookEveryMs = 20;
/** Of a machine that is busy with other things: a fact that comes at all comes within it. */
const usualTimeoutMs = 100_000;

/** The first result of `fn` that is neither null, undefined nor false. Throws with the last result or error after `timeoutMs`. */
export async function eventually<Result>(
  fn: () => Result | Promise<Result>,
  { timeoutMs = usualTimeoutMs, what = 'the fact' }: { readonly timeoutMs?: number; readonly what?: string } = {},
): Promise<NonNullable<Exclude<Result, false>>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  for (;;) {
    try {
      const result = await fn();
      last = result;
      if (holds(result)) return result;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`${what} did not come about within ${timeoutMs} ms; last seen: ${seen}`, { cause: last });
    }
    await delay(lookEveryMs);
  }
}

function holds<Result>(result: Result): result is NonNullable<Exclude<Result, false>> {
  return result !== null && result !== undefined && result !== false;
}
