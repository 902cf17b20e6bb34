/** Owns what views have fetched: one entry per key, shared, and fetched again when a push concerns it. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { DomainError } from '../../src-main/contract/errors.ts';
import type { Push } from '../../src-main/contract/events.ts';
import { toDomainError } from '../client/errors.ts';
import { concerns, type Topic, type TopicScope } from './topics.ts';

/** Five times a second is as often as a person can read; a burst of events is one fetch. */
const leastGapMs = 200;
/** Entries that no view shows are kept for going back, up to this many. */
const mostIdleEntries = 40;

export interface QueryEntry {
  readonly data: unknown;
  readonly error: DomainError | null;
  readonly fetching: boolean;
  /** UTC milliseconds of the newest data; null before the first. */
  readonly fetchedAtMs: number | null;
}

export const emptyEntry: QueryEntry = { data: undefined, error: null, fetching: false, fetchedAtMs: null };

interface Watched {
  fetcher: () => Promise<unknown>;
  topics: readonly Topic[];
  scope: TopicScope;
  watchers: number;
  inFlight: boolean;
  again: boolean;
  lastStartMs: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export interface WatchOptions {
  readonly key: string;
  readonly fetcher: () => Promise<unknown>;
  readonly topics: readonly Topic[];
  readonly scope: TopicScope;
}

/** The cache of fetched data. */
export class Queries {
  readonly store: StoreApi<{ readonly entries: ReadonlyMap<string, QueryEntry> }> = createStore(() => ({
    entries: new Map<string, QueryEntry>(),
  }));
  readonly #watched = new Map<string, Watched>();

  /** Begins to show a key: fetches it now and whenever a push concerns it. Returns the end of it. */
  watch(options: WatchOptions): () => void {
    const { key, fetcher, topics, scope } = options;
    const known = this.#watched.get(key);
    if (known) {
      Object.assign(known, { fetcher, topics, scope, watchers: known.watchers + 1 });
    } else {
      const fresh = { fetcher, topics, scope, watchers: 1, inFlight: false, again: false, lastStartMs: 0 };
      this.#watched.set(key, { ...fresh, timer: undefined });
    }
    this.#schedule(key);
    return () => this.#release(key);
  }

  /** Fetches again what a push concerns. */
  receive(push: Push): void {
    for (const [key, watched] of this.#watched) {
      if (watched.watchers > 0 && concerns(push, watched.topics, watched.scope)) this.#schedule(key);
    }
  }

  /** Fetches again all that is shown: after a reconnect. */
  refetchAll(): void {
    for (const [key, watched] of this.#watched) if (watched.watchers > 0) this.#schedule(key);
  }

  /** Fetches one key again, if it is shown. */
  refetch(key: string): void {
    this.#schedule(key);
  }

  #schedule(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched || watched.watchers === 0) return;
    if (watched.inFlight) {
      watched.again = true;
      return;
    }
    if (watched.timer !== undefined) return;
    const waitMs = watched.lastStartMs + leastGapMs - Date.now();
    if (waitMs <= 0) void this.#fetch(key, watched);
    else watched.timer = setTimeout(() => void this.#fetch(key, watched), waitMs);
  }

  async #fetch(key: string, watched: Watched): Promise<void> {
    watched.timer = undefined;
    watched.inFlight = true;
    watched.again = false;
    watched.lastStartMs = Date.now();
    this.#update(key, { fetching: true });
    try {
      const data = await watched.fetcher();
      this.#update(key, { data, error: null, fetching: false, fetchedAtMs: Date.now() });
    } catch (error) {
      this.#update(key, { error: toDomainError(error), fetching: false });
    }
    watched.inFlight = false;
    if (watched.again) this.#schedule(key);
  }

  #update(key: string, change: Partial<QueryEntry>): void {
    const entries = new Map(this.store.getState().entries);
    entries.set(key, { ...(entries.get(key) ?? emptyEntry), ...change });
    this.store.setState({ entries });
  }

  #release(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    watched.watchers -= 1;
    if (watched.watchers > 0) return;
    clearTimeout(watched.timer);
    watched.timer = undefined;
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const idle = [...this.#watched].filter(([, watched]) => watched.watchers === 0 && !watched.inFlight);
    idle.sort(([, left], [, right]) => left.lastStartMs - right.lastStartMs);
    const gone = idle.slice(0, Math.max(0, idle.length - mostIdleEntries)).map(([key]) => key);
    if (gone.length === 0) return;
    const entries = new Map(this.store.getState().entries);
    for (const key of gone) {
      this.#watched.delete(key);
      entries.delete(key);
    }
    this.store.setState({ entries });
  }
}

export const queries = new Queries();
