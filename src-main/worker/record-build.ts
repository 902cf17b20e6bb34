/** Owns the worker's side of having a build recorded: it tells the engine what was made, and waits for the answer. Holds no key. */
import type { BuildFacts } from '../contract/documents.ts';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import type { FromWorker } from '../contract/worker-messages.ts';

export interface Recorder {
  /**
   * Resolves when the signed record lies in the main store. Throws what the engine answers (`job.fenced`, `store.*`, `conflict`),
   * and the signal's reason.
   */
  record(facts: BuildFacts, signal: AbortSignal): Promise<void>;
  /** The engine's answer. */
  recorded(answer: { readonly buildId: string; readonly error: ErrorView | null }): void;
}

export function createRecorder(tell: (message: FromWorker) => void): Recorder {
  const waiting = new Map<string, (error: ErrorView | null) => void>();
  return {
    async record(facts, signal) {
      signal.throwIfAborted();
      const answer = Promise.withResolvers<ErrorView | null>();
      const onAbort = () => answer.reject(signal.reason);
      waiting.set(facts.buildId, answer.resolve);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        tell({ type: 'built', facts });
        const error = await answer.promise;
        if (error !== null) throw DomainError.fromView(error);
      } finally {
        waiting.delete(facts.buildId);
        signal.removeEventListener('abort', onAbort);
      }
    },
    recorded({ buildId, error }) {
      waiting.get(buildId)?.(error);
    },
  };
}
