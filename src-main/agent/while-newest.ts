/** Owns that nothing is fetched any longer for a release in whose place there is another: a rollback does not wait for what it undoes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pointer, Trust } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { readPointer } from './follow-channel.ts';
import type { OpenAgent } from './open-agent.ts';

/**
 * Does `work` for the release that `pointer` names. When the channel goes on to another serial meanwhile, the signal that `work` has been
 * given is aborted. Throws what `work` throws, and `agent.superseded`.
 */
export async function whileNewest<T>(
  { options, state, signal, now }: Pick<OpenAgent, 'options' | 'state' | 'signal' | 'now'>,
  trust: Trust,
  { serial }: Pointer,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const superseded = new AbortController();
  const ended = new AbortController();
  const watch = async () => {
    while (!ended.signal.aborted) {
      await delay(options.pollIntervalMs, undefined, { signal: ended.signal }).catch(() => undefined);
      if (ended.signal.aborted) return;
      // What is not acceptable, or cannot be read, changes nothing here: the next look says so.
      const newest = await readPointer({ ...options, state }, trust, now()).catch(() => null);
      if (newest === null || newest.serial <= serial) continue;
      superseded.abort(
        new DomainError(
          'agent.superseded',
          `Release ${newest.serial} took the place of release ${serial}, which was being fetched.`,
          {
            serial,
            newest: newest.serial,
          },
        ),
      );
      return;
    }
  };
  const watching = watch();
  try {
    return await work(AbortSignal.any([signal, superseded.signal]));
  } catch (error) {
    signal.throwIfAborted();
    superseded.signal.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}
