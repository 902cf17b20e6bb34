/** Owns what a button that calls the engine needs: busy while it runs, the error when it fails. */
import { useCallback, useRef, useState } from 'react';
import type { DomainError } from '../../src-main/contract/errors.ts';
import { toDomainError } from '../client/errors.ts';

export interface Action<Input extends readonly unknown[], Result> {
  /** Runs it, unless it runs already; undefined after a failure, which `error` then holds. */
  readonly run: (...input: Input) => Promise<Result | undefined>;
  readonly busy: boolean;
  readonly error: DomainError | null;
  readonly reset: () => void;
}

/** An action that a person starts: `const retry = useAction(() => client.jobs.retry({ id }))`. */
export function useAction<Input extends readonly unknown[], Result>(
  act: (...input: Input) => Promise<Result>,
): Action<Input, Result> {
  const [state, setState] = useState<{ busy: boolean; error: DomainError | null }>({ busy: false, error: null });
  const latest = useRef(act);
  latest.current = act;
  const running = useRef(false);
  const run = useCallback(async (...input: Input) => {
    if (running.current) return undefined;
    running.current = true;
    setState({ busy: true, error: null });
    try {
      const result = await latest.current(...input);
      setState({ busy: false, error: null });
      return result;
    } catch (error) {
      setState({ busy: false, error: toDomainError(error) });
      return undefined;
    } finally {
      running.current = false;
    }
  }, []);
  const reset = useCallback(() => setState({ busy: false, error: null }), []);
  return { run, ...state, reset };
}
