/** Owns how many pieces of work on a disk run at the same time. */

/** Runs at most `limit` tasks at once; the first failure is thrown at the next call. */
export class Tasks {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    const running: Promise<void> = task()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    if (this.#failure !== null) throw this.#failure.error;
  }

  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async finish(): Promise<void> {
    await this.settle();
    if (this.#failure !== null) throw this.#failure.error;
  }
}
