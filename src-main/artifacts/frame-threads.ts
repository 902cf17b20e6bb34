/** Owns the threads that work on a pack's frames side by side, and gives what comes of them back in order. Memory is bounded by its slots. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { DomainError } from '../contract/errors.ts';
import { type ThreadName, threadPath } from '../process/entry-points.ts';
import { allocateFrame, type FrameSlot, slotOf } from './frame-slot.ts';
import type { FrameReply, FrameTask } from './frame-worker.ts';

/** More threads outrun the one that hashes the pack as a whole. */
const maximumThreads = 8;
/** Frames beyond one per thread, so that a thread has work while the frames before it are hashed and written. */
const spareSlots = 2;

/** In MiB: what is left of a task is garbage at once, and a small nursery is cleared before it has grown. */
const threadMemory = { maxYoungGenerationSizeMb: 4 };

/** `requested` (every core where it is not given) bounded to what helps on this machine for so many frames. */
export function threadCount(requested: number | undefined, frames = maximumThreads): number {
  const wanted = Math.min(requested ?? availableParallelism(), frames);
  return Math.max(1, Math.min(Math.floor(wanted), maximumThreads));
}

export interface FrameThreadsOptions<Task, Done> {
  readonly thread: ThreadName;
  readonly threads: number;
  readonly workerData?: unknown;
  /** Called for one frame at a time, in the order of `submit`; the slot is used again when it resolves. */
  readonly take: (done: Done, slot: FrameSlot, task: Task) => Promise<void>;
}

interface Running<Done> {
  readonly resolve: (done: Done) => void;
  readonly reject: (error: unknown) => void;
}

/** Whatever goes wrong in a thread or in `take` is thrown by the next call of anything. */
export class FrameThreads<Task, Done> {
  readonly #options: FrameThreadsOptions<Task, Done>;
  readonly #threads: Worker[];
  readonly #idle: Worker[] = [];
  readonly #waitingTasks: { readonly message: FrameTask<Task>; readonly running: Running<Done> }[] = [];
  readonly #running = new Map<Worker, Running<Done>>();
  readonly #freeSlots: FrameSlot[];
  readonly #waitingForSlot: ((slot: FrameSlot) => void)[] = [];
  readonly #failure: Promise<never>;
  #fail: (reason: unknown) => void = () => undefined;
  #taken: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FrameThreadsOptions<Task, Done>) {
    this.#options = options;
    this.#failure = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => undefined);
    this.#freeSlots = Array.from({ length: options.threads + spareSlots }, () => slotOf(allocateFrame()));
    this.#threads = Array.from({ length: options.threads }, () => this.#startThread());
    this.#idle.push(...this.#threads);
  }

  #startThread(): Worker {
    const { thread: name, workerData } = this.#options;
    const thread = new Worker(threadPath(name), { name: `slipway-${name}`, workerData, resourceLimits: threadMemory });
    thread.on('message', (reply: FrameReply<Done>) => {
      const running = this.#running.get(thread);
      this.#running.delete(thread);
      this.#idle.push(thread);
      this.#startNext();
      if ('error' in reply) running?.reject(DomainError.fromView(reply.error));
      else running?.resolve(reply.done);
    });
    thread.on('error', error => this.#fail(error));
    thread.on('messageerror', error => this.#fail(error));
    thread.on('exit', code => {
      if (!this.#closed) this.#fail(new Error(`The thread ${name} ended early with code ${code}.`));
    });
    return thread;
  }

  #startNext(): void {
    const thread = this.#idle.at(-1);
    const next = thread === undefined ? undefined : this.#waitingTasks.shift();
    if (thread === undefined || next === undefined) return;
    this.#idle.pop();
    this.#running.set(thread, next.running);
    thread.postMessage(next.message);
  }

  /** Waits until a frame was taken if all slots are in use. */
  acquire(): Promise<FrameSlot> {
    const free = this.#freeSlots.pop();
    const slot = free
      ? Promise.resolve(free)
      : new Promise<FrameSlot>(resolve => {
          this.#waitingForSlot.push(resolve);
        });
    return Promise.race([slot, this.#failure]);
  }

  /** Hands over a slot that was acquired; the caller must not touch it again. */
  submit(slot: FrameSlot, task: Task): void {
    const arrival = new Promise<Done>((resolve, reject) => {
      this.#waitingTasks.push({ message: { memory: slot.memory, task }, running: { resolve, reject } });
    });
    arrival.catch(error => this.#fail(error));
    this.#startNext();
    this.#taken = this.#taken.then(async () => {
      await this.#options.take(await Promise.race([arrival, this.#failure]), slot, task);
      const next = this.#waitingForSlot.shift();
      if (next === undefined) this.#freeSlots.push(slot);
      else next(slot);
    });
    this.#taken.catch(error => this.#fail(error));
  }

  /** Waits until every frame is taken. */
  async finish(): Promise<void> {
    await Promise.race([this.#taken, this.#failure]);
  }

  /** Ends the threads, and waits for what is under way; may be repeated. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fail(new Error('The work on the pack was given up.'));
    await Promise.all(this.#threads.map(thread => thread.terminate()));
    await this.#taken.catch(() => undefined);
  }
}
