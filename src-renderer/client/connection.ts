/** Owns the one connection to the engine: opening it, noticing that it is gone, trying again. Knows no view. */
import type { ClientContext, ClientLink } from '@orpc/client';
import { createStore } from 'zustand/vanilla';

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online' }
  /** `retryAtMs` is null where trying again cannot help: the address is not valid any more. */
  | { readonly kind: 'offline'; readonly reason: string; readonly retryAtMs: number | null };

/** An opened transport. `closed` settles when it is gone, for whatever reason. */
export interface Transport {
  readonly link: ClientLink<ClientContext>;
  readonly closed: Promise<void>;
  close(): void;
}

/** Opens a transport, or fails with an `OpenFailure` that says why in words for a person. */
export type OpenTransport = (signal: AbortSignal) => Promise<Transport>;

/** Why no connection could be opened. `final` ends the attempts. */
export class OpenFailure extends Error {
  readonly final: boolean;

  constructor(reason: string, options: { readonly final?: boolean } = {}) {
    super(reason);
    this.name = 'OpenFailure';
    this.final = options.final ?? false;
  }
}

const firstDelayMs = 500;
/** The engine is on this machine, where an attempt costs next to nothing: a page is right within two seconds of its being back. */
const longestDelayMs = 1_000;

/** How long to wait before attempt `failures + 1`: 0.5, 1, 1, … seconds. */
export function backoffMs(failures: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.max(0, failures - 1));
}

/** Keeps one transport open, reconnecting until stopped. */
export class Connection {
  readonly state = createStore<ConnectionState>(() => ({ kind: 'connecting' }));
  readonly #open: OpenTransport;
  #transport: Transport | null = null;
  #running: AbortController | null = null;
  #wake: (() => void) | null = null;

  constructor(open: OpenTransport) {
    this.#open = open;
  }

  /** Starts connecting; a second start does nothing. */
  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
    this.#transport?.close();
    this.#wake?.();
  }

  /** Tries at once instead of at the next planned time; used when the window is shown again or a person asks. */
  retryNow(): void {
    this.#wake?.();
  }

  /** The open link; waits while the first answer is out, null when there is no connection. */
  async link(): Promise<ClientLink<ClientContext> | null> {
    if (this.state.getState().kind === 'connecting') {
      await new Promise<void>(resolve => {
        const unsubscribe = this.state.subscribe(next => {
          if (next.kind === 'connecting') return;
          unsubscribe();
          resolve();
        });
      });
    }
    return this.#transport?.link ?? null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const transport = await this.#open(signal);
        failures = 0;
        this.#transport = transport;
        this.state.setState({ kind: 'online' }, true);
        await transport.closed;
        this.#transport = null;
        if (signal.aborted) return;
        failures = 1;
        await this.#pause(failures, 'The connection to the engine was lost.', false);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const failure = error instanceof OpenFailure ? error : new OpenFailure('The engine does not answer.');
        await this.#pause(failures, failure.message, failure.final);
      }
    }
  }

  async #pause(failures: number, reason: string, final: boolean): Promise<void> {
    const waitMs = backoffMs(failures);
    this.state.setState({ kind: 'offline', reason, retryAtMs: final ? null : Date.now() + waitMs }, true);
    await new Promise<void>(resolve => {
      const timer = final ? undefined : setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
