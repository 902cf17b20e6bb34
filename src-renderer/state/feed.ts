/** Owns the one subscription to events: it keeps the cursor, resumes after a gap, and tells queries and notices. */
import { createStore } from 'zustand/vanilla';
import type { EngineEvent, Push } from '../../src-main/contract/events.ts';
import type { Client } from '../client/client.ts';
import type { Connection } from '../client/connection.ts';
import { addNotices, type Notice } from './notices.ts';
import type { Queries } from './queries.ts';

/** How far back the notification history looks when the window opens. */
const historyEvents = 1_000;
/** A stream that ends while the connection stands is opened again after this. */
const resubscribeMs = 1_000;
const seenKey = 'slipway-notices-seen';

export interface FeedState {
  readonly notices: readonly Notice[];
  /** The newest notice that the person has seen. */
  readonly seenCursor: number;
}

export const feedStore = createStore<FeedState>(() => ({ notices: [], seenCursor: 0 }));

export function unreadNotices(state: FeedState): number {
  return state.notices.filter(notice => notice.cursor > state.seenCursor).length;
}

/** Marks all notices as seen, on this computer. */
export function markNoticesSeen(): void {
  const newest = feedStore.getState().notices[0]?.cursor ?? 0;
  if (newest <= feedStore.getState().seenCursor) return;
  localStorage.setItem(seenKey, String(newest));
  feedStore.setState({ seenCursor: newest });
}

type FeedClient = Pick<Client, 'events'> & { readonly engine: Pick<Client['engine'], 'status'> };
/** One stretch of following, from a connection's opening to its loss. */
interface Session {
  over: boolean;
  readonly abort: AbortController;
}
type PushListener = (push: Push) => void;

/** Follows the engine's events for as long as the interface lives. */
export class Feed {
  readonly #client: FeedClient;
  readonly #connection: Pick<Connection, 'state'>;
  readonly #queries: Pick<Queries, 'receive' | 'refetchAll'>;
  readonly #listeners = new Set<PushListener>();
  #cursor: number | null = null;
  #session: Session | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(
    client: FeedClient,
    connection: Pick<Connection, 'state'>,
    queries: Pick<Queries, 'receive' | 'refetchAll'>,
  ) {
    this.#client = client;
    this.#connection = connection;
    this.#queries = queries;
  }

  start(): void {
    if (this.#unsubscribe) return;
    const seen = Number(globalThis.localStorage?.getItem(seenKey) ?? 0);
    feedStore.setState({ seenCursor: Number.isSafeInteger(seen) ? seen : 0 });
    const follow = () => {
      // A lost connection has ended its stream already: there is nobody left to tell.
      if (this.#session) this.#session.over = true;
      this.#session = null;
      if (this.#connection.state.getState().kind !== 'online') return;
      this.#session = { over: false, abort: new AbortController() };
      void this.#follow(this.#session);
    };
    this.#unsubscribe = this.#connection.state.subscribe(follow);
    follow();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    if (!this.#session) return;
    this.#session.over = true;
    this.#session.abort.abort();
    this.#session = null;
  }

  /** Hears every push; returns the end of it. */
  listen(listener: PushListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #follow(session: Session): Promise<void> {
    while (!session.over) {
      try {
        await this.#catchUp();
        if (session.over) return;
        const { signal } = session.abort;
        const pushes = await this.#client.events.subscribe({ after: this.#cursor ?? 0 }, { signal });
        // What was missed is in the stream; what has no history (rates, progress) is read again.
        this.#queries.refetchAll();
        for await (const push of pushes) this.#receive(push);
      } catch {
        // The connection tells why; here it only means: again.
      }
      if (!session.over) await new Promise(resolve => setTimeout(resolve, resubscribeMs));
    }
  }

  /** Finds the cursor to start from, and the failures of before. A smaller cursor than ours is another installation. */
  async #catchUp(): Promise<void> {
    const { eventCursor } = await this.#client.engine.status();
    if (this.#cursor !== null && this.#cursor <= eventCursor) return;
    this.#cursor = eventCursor;
    const after = Math.max(0, eventCursor - historyEvents);
    const events = await this.#client.events.list({ after, limit: historyEvents });
    feedStore.setState(state => ({
      notices: addNotices([], events),
      seenCursor: state.seenCursor > eventCursor ? 0 : state.seenCursor,
    }));
  }

  #receive(push: Push): void {
    if (push.kind === 'event') {
      this.#cursor = Math.max(this.#cursor ?? 0, push.event.cursor);
      this.#note(push.event);
    }
    this.#queries.receive(push);
    for (const listener of this.#listeners) listener(push);
  }

  #note(event: EngineEvent): void {
    feedStore.setState(state => {
      const notices = addNotices(state.notices, [event]);
      return notices === state.notices ? state : { notices };
    });
  }
}
