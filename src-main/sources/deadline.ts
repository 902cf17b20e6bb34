/** Owns the end of an operation on a remote: out of time, or cancelled, each with its own error as the abort reason. */
import { cancelled, timedOut } from './git-errors.ts';

/** Runs `operation` with a signal whose reason is the `git.timeout` or `job.cancelled` error to throw. */
export async function withDeadline<Result>(
  options: { readonly url: string; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  operation: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { url, timeoutMs, signal } = options;
  const controller = new AbortController();
  const onAbort = () => controller.abort(cancelled(url));
  const timer = setTimeout(() => controller.abort(timedOut(url, timeoutMs)), timeoutMs);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  try {
    controller.signal.throwIfAborted();
    return await operation(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
