/** Owns the thread's side of the threads that work on frames: takes one task after the other, and says what came of it. */
import { parentPort } from 'node:worker_threads';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import { type FrameMemory, type FrameSlot, slotOf } from './frame-slot.ts';

export interface FrameTask<Task> {
  readonly memory: FrameMemory;
  readonly task: Task;
}

export type FrameReply<Done> = { readonly done: Done } | { readonly error: ErrorView };

/** Any error but a `DomainError` ends the thread, and so the work as a whole. */
export function serveFrames<Task, Done>(work: (task: Task, slot: FrameSlot) => Done): void {
  parentPort?.on('message', ({ task, memory }: FrameTask<Task>) => {
    let reply: FrameReply<Done>;
    try {
      reply = { done: work(task, slotOf(memory)) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      reply = { error: error.toView() };
    }
    parentPort?.postMessage(reply);
  });
}
