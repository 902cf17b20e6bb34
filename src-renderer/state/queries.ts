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

interface Interest {
  readonly topics: readonly Topic[];
  readonly scope: TopicScope;
}

interface Watched {
  fetcher: () => Promise<unknown>;
  /** One per view that shows the key: what concerns any of them is fetched. */
  readonly interests: Set<Interest>;
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
    const { key, fetcher } = options;
    const interest: Interest = { topics: options.topics, scope: options.scope };
    const known = this.#watched.get(key);
    if (known) {
      known.fetcher = fetcher;
      known.interests.add(interest);
    } else {
      const fresh = { fetcher, interests: new Set([interest]), inFlight: false, again: false, lastStartMs: 0 };
      this.#watched.set(key, { ...fresh, timer: undefined });
    }
    this.#schedule(key);
    return () => this.#release(key, interest);
  }

  /** Fetches again what a push concerns. */
  receive(push: Push): void {
    for (const [key, watched] of this.#watched) {
      const concerned = [...watched.interests].some(({ topics, scope }) => concerns(push, topics, scope));
      if (concerned) this.#schedule(key);
    }
  }

  /** Fetches again all that is shown: after a reconnect. */
  refetchAll(): void {
    for (const key of this.#watched.keys()) this.#schedule(key);
  }

  /** Fetches one key again, if it is shown. */
  refetch(key: string): void {
    this.#schedule(key);
  }

  #schedule(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched || watched.interests.size === 0) return;
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

  #release(key: string, interest: Interest): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    watched.interests.delete(interest);
    if (watched.interests.size > 0) return;
    clearTimeout(watched.timer);
    watched.timer = undefined;
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const idle = [...this.#watched].filter(([, watched]) => watched.interests.size === 0 && !watched.inFlight);
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
