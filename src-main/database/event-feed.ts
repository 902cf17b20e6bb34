/** Owns the live feed of events: what any process wrote to the table, in order, and pulses that leave no trace. */
import type { EngineEvent, Push } from '../contract/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { lastCursor, listEvents } from './events.ts';
import type { Db } from './open-database.ts';

/** The safety net under `nudge`, which comes at once: another process may have written. */
const lookEveryMs = 1_000;
const batch = 500;
/** A subscriber that is this far behind reads from the table again instead of memory. */
const maxBuffered = 1_000;

export interface EventFeed {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The table may have news. */
  nudge(): void;
  pulse(topic: Extract<Push, { kind: 'pulse' }>['topic'], subjectId?: string | null): void;
  /** Called for every event in order, once, for as long as the engine runs. */
  onEvent(listener: (event: EngineEvent) => void): void;
  /** Events after `after`, then live, until the signal. Misses nothing and repeats nothing, however slow the reader. */
  subscribe(after: number | null, signal: AbortSignal): AsyncGenerator<Push, void, undefined>;
  readonly cursor: number;
}

export function createEventFeed(db: Db, logger: Logger): EventFeed {
  const listeners = new Set<(event: EngineEvent) => void>();
  const pushListeners = new Set<(push: Push) => void>();
  let cursor = 0;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let again = false;
  let stopped = true;

  async function look(): Promise<void> {
    for (;;) {
      const events = await listEvents(db, { after: cursor, limit: batch });
      for (const event of events) {
        cursor = event.cursor;
        for (const listener of listeners) listener(event);
        for (const listener of pushListeners) listener({ kind: 'event', event });
      }
      if (events.length < batch) return;
    }
  }

  function nudge(): void {
    if (stopped) return;
    if (looking) {
      again = true;
      return;
    }
    if (timer) clearTimeout(timer);
    looking = look()
      .catch(error => logger.error('events.failed', { error }))
      .finally(() => {
        looking = null;
        if (again) {
          again = false;
          nudge();
        } else if (!stopped) timer = setTimeout(nudge, lookEveryMs);
      });
  }

  return {
    get cursor() {
      return cursor;
    },
    nudge,
    async start() {
      cursor = await lastCursor(db);
      stopped = false;
      nudge();
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await looking;
      listeners.clear();
    },
    onEvent: listener => listeners.add(listener),
    pulse(topic, subjectId = null) {
      for (const listener of pushListeners) listener({ kind: 'pulse', topic, subjectId });
    },
    async *subscribe(after, signal) {
      let sent = after ?? cursor;
      let queue: Push[] = [];
      let overflowed = false;
      let wake: () => void = () => undefined;
      const listener = (push: Push) => {
        if (queue.length >= maxBuffered) overflowed = true;
        else queue.push(push);
        wake();
      };
      const onAbort = () => wake();
      pushListeners.add(listener);
      signal.addEventListener('abort', onAbort);
      try {
        let fromTable = after !== null;
        while (!signal.aborted) {
          if (fromTable || overflowed) {
            if (overflowed) queue = [];
            overflowed = false;
            const events = await listEvents(db, { after: sent, limit: batch });
            fromTable = events.length === batch;
            for (const event of events) {
              sent = event.cursor;
              yield { kind: 'event', event };
            }
            continue;
          }
          const push = queue.shift();
          if (!push) {
            await new Promise<void>(resolve => {
              wake = resolve;
              if (queue.length > 0 || signal.aborted) resolve();
            });
            continue;
          }
          if (push.kind === 'event') {
            if (push.event.cursor <= sent) continue;
            sent = push.event.cursor;
          }
          yield push;
        }
      } finally {
        pushListeners.delete(listener);
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}
